//! The papers that are reproduced, as a list at the foot of the page and as links to it.

use maud::{Markup, html};

/// A paper: the short name used throughout, its authors and year, title and address.
struct Paper {
    key: &'static str,
    authors: &'static str,
    title: &'static str,
    address: &'static str,
}

const PAPERS: [Paper; 4] = [
    Paper {
        key: "CG20",
        authors: "S. Chatterjee (2020)",
        title: "Coherent Gradients: An Approach to Understanding Generalization in Gradient \
                Descent-based Optimization",
        address: "https://arxiv.org/abs/2002.10657",
    },
    Paper {
        key: "WS20",
        authors: "P. Zielinski, S. Krishnan, S. Chatterjee (2020)",
        title: "Weak and Strong Gradient Directions: Explaining Memorization, Generalization, and \
                Hardness of Examples at Scale",
        address: "https://arxiv.org/abs/2003.07422",
    },
    Paper {
        key: "MC20",
        authors: "S. Chatterjee, P. Zielinski (2020)",
        title: "Making Coherence Out of Nothing At All: Measuring the Evolution of Gradient \
                Alignment",
        address: "https://arxiv.org/abs/2008.01217",
    },
    Paper {
        key: "GM22",
        authors: "S. Chatterjee, P. Zielinski (2022)",
        title: "On the Generalization Mystery in Deep Learning",
        address: "https://arxiv.org/abs/2203.10036",
    },
];

/// The list; its links are citations, nothing is loaded from them.
pub(super) fn footer() -> Markup {
    html! {
        footer {
            h2 { "Papers" }
            dl.papers {
                @for paper in &PAPERS {
                    dt id=(paper.key) { (paper.key) }
                    dd {
                        (paper.authors) ", " cite { (paper.title) } ". "
                        a href=(paper.address) rel="noreferrer" { (address(paper)) }
                    }
                }
            }
            p.small {
                "Made by coherence. A measurement holds when chance is ruled out at 2.5 % (by Student's t over the \
                 seeds, of outcomes by the exact binomial distribution), fails when the opposite is shown at 2.5 %, and \
                 is undecided otherwise. Where a claim has several measurements, the level is corrected for their \
                 number (Holm). The 95 % intervals that are drawn are not corrected: one may lie on one side of the \
                 bound and its measurement still be undecided. A claim has the verdict of its worst measurement. \
                 Where the bound is ours and not the paper's, a claim is at worst not shown."
            }
        }
    }
}

/// `GM22 §7, Fig. 4` with each paper's short name linked to the list.
pub(super) fn source(text: &str) -> Markup {
    let first = PAPERS.iter().filter_map(|paper| Some((text.find(paper.key)?, paper.key))).min();
    let Some((at, key)) = first else { return html! { (text) } };
    html! { (text[..at]) a href={ "#" (key) } { (key) } (source(&text[at + key.len()..])) }
}

fn address(paper: &Paper) -> &str {
    paper.address.trim_start_matches("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_paper_named_is_linked_and_the_rest_is_escaped() {
        assert_eq!(
            source("CG20 §3 & GM22 <7>").into_string(),
            "<a href=\"#CG20\">CG20</a> §3 &amp; <a href=\"#GM22\">GM22</a> &lt;7&gt;"
        );
        assert_eq!(source("").into_string(), "");
    }
}
