// What the page shows now, and the words for it.

const TABS = [
  ["duplicate", "Copies"], ["altered", "Altered"], ["color_variant", "Other colors"],
  ["decided", "Decided"], ["tune", "Help me tune"], ["rejected", "Rejected files"], ["statistics", "Statistics"],
];
const VIEWS = [["side", "Side by side"], ["swipe", "Swipe"], ["blink", "Blink"], ["difference", "Difference"]];
const WORDS = {
  duplicate: "a copy", not_duplicate: "not a copy", keep_both: "both stay", keeper: "the one to keep",
  identical: "identical", altered: "altered", color_variant: "other colors", distinct: "distinct",
};
const state = { tab: "duplicate", groups: [], cursor: null, at: -1, member: 0, view: "side", zoom: 1, spot: [0.5, 0.5], undo: [], group: null, total: 0 };
