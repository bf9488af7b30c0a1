// Losses of a batch, an example a thread, with the arithmetic and the order of coherence_nn::loss. The loss
// and the deltas of a label that is no class are NaN.

FUNCTION void no_class(size k, real* delta, double* loss) {
    double nan = __longlong_as_double(0x7ff8000000000000ll);
    if (delta)
        for (size j = 0; j < k; ++j) delta[j] = (real)nan;
    *loss = nan;
}

// The index of the largest value; the first of equal ones.
FUNCTION size largest(const real* row, size k) {
    size best = 0;
    for (size j = 1; j < k; ++j)
        if (row[j] > row[best]) best = j;
    return best;
}

// e^(z − max z) to delta, or only their sum: without that of the largest logit, which is 1.
FUNCTION double tail_of_softmax(const real* row, size k, size top, real* delta) {
    double tail = 0;
    for (size j = 0; j < k; ++j) {
        real power = exponential(row[j] - row[top]);
        if (delta) delta[j] = power;
        if (j != top) tail += (double)power;
    }
    return tail;
}

FUNCTION void softmax_delta(size k, size label, size top, double tail, double smoothing, real* delta) {
    real total = (real)((double)delta[top] + tail);
    double others = 0;
    for (size j = 0; j < k; ++j) {
        delta[j] = delta[j] / total;
        if (j != label) others += (double)delta[j];
    }
    delta[label] = (real)(-(others - smoothing));
    if (smoothing > 0) {
        double share = smoothing / (double)k;
        for (size j = 0; j < k; ++j) delta[j] = (real)((double)delta[j] - share);
    }
}

FUNCTION double loss_from_tail(
    const real* row, size k, size label, size top, double tail, double smoothing) {
    double below_label = (double)(row[top] - row[label]);
    if (smoothing == 0) return below_label + log1p(tail);
    double sum = 0;
    for (size j = 0; j < k; ++j) sum += (double)(row[top] - row[j]);
    return (1.0 - smoothing) * below_label + smoothing * (sum / (double)k) + log1p(tail);
}

KERNEL(cross_entropy)(
    const real* outputs, const u32* labels, size m, size k, double smoothing, real* deltas, double* losses) {
    EACH_THREAD {
        EACH_VALUE(e, m) {
            const real* row = outputs + e * k;
            real* delta = deltas ? deltas + e * k : nullptr;
            size label = labels[e];
            if (label < k) {
                size top = largest(row, k);
                double tail = tail_of_softmax(row, k, top, delta);
                if (delta) softmax_delta(k, label, top, tail, smoothing, delta);
                losses[e] = loss_from_tail(row, k, label, top, tail, smoothing);
            } else {
                no_class(k, delta, losses + e);
            }
        }
    }
}
REGISTER(cross_entropy)

// Half the squared distance from `values` [m, k], or from 1 for the label's class and 0 for the others.
KERNEL(squared_error)(
    const real* outputs, const u32* labels, const real* values, size m, size k, real* deltas,
    double* losses) {
    EACH_THREAD {
        EACH_VALUE(e, m) {
            real* delta = deltas ? deltas + e * k : nullptr;
            if (labels && labels[e] >= k) {
                no_class(k, delta, losses + e);
            } else {
                double sum = 0;
                for (size j = 0; j < k; ++j) {
                    double target = labels ? (j == labels[e] ? 1.0 : 0.0) : (double)values[e * k + j];
                    double error = (double)outputs[e * k + j] - target;
                    if (delta) delta[j] = (real)error;
                    sum += error * error;
                }
                losses[e] = 0.5 * sum;
            }
        }
    }
}
REGISTER(squared_error)
