// Robust means of columns, and steps along them. Each has a kernel for ranks up to 9, `…_inner` for any rank, and maybe
// `…_middle` for those of the median of not too many values.

template <class Ranks>
FUNCTION void select_of_columns(
    const real* values, size n, size d, size rank, u32 finish, u32 is_step, real rate, real* out) {
    EACH_THREAD {
        EACH_VALUE(j, d) {
            Column column = {values + j, d};
            real mean = aggregate<Ranks>(column, n, rank, finish);
            out[j] = is_step ? out[j] - rate * mean : mean;
        }
    }
}

KERNEL(select_columns)(
    const real* values, size n, size d, size rank, u32 finish, u32 is_step, real rate, real* out) {
    select_of_columns<Outer>(values, n, d, rank, finish, is_step, rate, out);
}
REGISTER(select_columns)

KERNEL_IN_PAIRS(select_columns_middle)(
    const real* values, size n, size d, size rank, u32 finish, u32 is_step, real rate, real* out) {
    select_of_columns<Middle>(values, n, d, rank, finish, is_step, rate, out);
}
REGISTER(select_columns_middle)

KERNEL(select_columns_inner)(
    const real* values, size n, size d, size rank, u32 finish, u32 is_step, real rate, real* out) {
    select_of_columns<Inner>(values, n, d, rank, finish, is_step, rate, out);
}
REGISTER(select_columns_inner)

// Of the outer products delta[e, j] · a[e, k], for out [o, i].
template <class Ranks>
FUNCTION void select_of_outer(
    const real* a, const real* delta, size m, size i, size o, size rank, u32 finish, u32 is_step, real rate,
    real* out) {
    EACH_THREAD {
        EACH_VALUE(at, o * i) {
            const Quotient of = divided(at, i);
            Products products = {delta + of.whole, o, a + of.rest, i};
            real mean = aggregate<Ranks>(products, m, rank, finish);
            out[at] = is_step ? out[at] - rate * mean : mean;
        }
    }
}

KERNEL(select_outer)(
    const real* a, const real* delta, size m, size i, size o, size rank, u32 finish, u32 is_step, real rate,
    real* out) {
    select_of_outer<Outer>(a, delta, m, i, o, rank, finish, is_step, rate, out);
}
REGISTER(select_outer)

KERNEL(select_outer_middle)(
    const real* a, const real* delta, size m, size i, size o, size rank, u32 finish, u32 is_step, real rate,
    real* out) {
    select_of_outer<Middle>(a, delta, m, i, o, rank, finish, is_step, rate, out);
}
REGISTER(select_outer_middle)

KERNEL(select_outer_inner)(
    const real* a, const real* delta, size m, size i, size o, size rank, u32 finish, u32 is_step, real rate,
    real* out) {
    select_of_outer<Inner>(a, delta, m, i, o, rank, finish, is_step, rate, out);
}
REGISTER(select_outer_inner)
