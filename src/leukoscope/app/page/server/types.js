/**
 * The schemas of the REST API, for the type checker. Written by tools/page_types.py: do not edit.
 *
 * @typedef {object} AbstentionThresholds
 * @property {number} all_from
 * @property {number} hem_to
 *
 * @typedef {object} Case
 * @property {string} id
 * @property {string} name
 * @property {string} notes
 * @property {boolean} keep_images
 * @property {string} created
 * @property {string} updated
 * @property {string} model
 * @property {string} model_sha256
 * @property {number} threshold
 * @property {boolean} own_threshold
 * @property {AbstentionThresholds|null} [abstains]
 * @property {Record<string, number>} verdicts
 * @property {number} reviewed
 * @property {boolean} can_undo
 * @property {SubjectSummary[]} subjects
 * @property {string} [notice]
 * @property {number} [seen_in_training]
 * @property {Cell[]} cells
 *
 * @typedef {object} CaseChange
 * @property {string|null} [name]
 * @property {string|null} [notes]
 * @property {number|null} [threshold]
 *
 * @typedef {object} CaseHead
 * @property {string} id
 * @property {string} name
 * @property {string} notes
 * @property {boolean} keep_images
 * @property {string} created
 * @property {string} updated
 * @property {string} model
 * @property {string} model_sha256
 * @property {number} threshold
 * @property {boolean} own_threshold
 * @property {AbstentionThresholds|null} [abstains]
 * @property {Record<string, number>} verdicts
 * @property {number} reviewed
 * @property {boolean} can_undo
 * @property {SubjectSummary[]} subjects
 *
 * @typedef {object} CaseIn
 * @property {string} [name]
 * @property {string} [notes]
 * @property {boolean} [keep_images]
 * @property {string} [model_sha256]
 *
 * @typedef {object} Cell
 * @property {string} name
 * @property {string} subject
 * @property {number|null} p_all
 * @property {Verdict} verdict
 * @property {number|null} logit
 * @property {string[]} flags
 * @property {string} reason
 * @property {string} model
 * @property {string} sha256
 * @property {string} [pixels]
 * @property {number} threshold
 * @property {number[][]|null} [heatmap]
 * @property {"exact"|"occlusion"|null} [heatmap_kind]
 * @property {string|null} [picture]
 * @property {Record<string, number|null>|null} [features]
 * @property {Neighbor[]|null} [neighbors]
 * @property {number|null} [cell_id]
 * @property {number} id
 * @property {string} answered
 * @property {boolean} has_image
 * @property {ReviewOut|null} review
 *
 * @typedef {object} CellChange
 * @property {number[]} cells
 * @property {string} subject
 *
 * @typedef {object} CellPrediction
 * @property {string} name
 * @property {string} subject
 * @property {number|null} p_all
 * @property {Verdict} verdict
 * @property {number|null} logit
 * @property {string[]} flags
 * @property {string} reason
 * @property {string} model
 * @property {string} sha256
 * @property {string} [pixels]
 * @property {number} threshold
 * @property {number[][]|null} [heatmap]
 * @property {"exact"|"occlusion"|null} [heatmap_kind]
 * @property {string|null} [picture]
 * @property {Record<string, number|null>|null} [features]
 * @property {Neighbor[]|null} [neighbors]
 * @property {number|null} [cell_id]
 *
 * @typedef {object} ExampleEntry
 * @property {string} name
 * @property {"ALL"|"HEM"} label
 * @property {boolean} synthetic
 * @property {string} url
 *
 * @typedef {object} FieldCell
 * @property {number} number
 * @property {[number, number][]} outline
 * @property {number|null} diameter_um
 * @property {string[]} flags
 * @property {string} left_out
 *
 * @typedef {object} FieldCells
 * @property {string} [notice]
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {number|null} um_per_px
 * @property {"given"|"file"|"red cells"|"unknown"} scale_from
 * @property {string} scale_text
 * @property {string} picture
 * @property {string} [problem]
 * @property {FieldCell[]} cells
 *
 * @typedef {object} FormatEntry
 * @property {string} name
 * @property {string[]} suffixes
 *
 * @typedef {object} Health
 * @property {"ok"} status
 * @property {string} version
 *
 * @typedef {object} ImageIn
 * @property {string} [name]
 * @property {string} data
 *
 * @typedef {object} MetricEntry
 * @property {string} key
 * @property {string} title
 * @property {string} meaning
 *
 * @typedef {object} ModelEntry
 * @property {string} name
 * @property {string} sha256
 * @property {string} created
 * @property {Record<string, any>} card
 * @property {[string, string][]} facts
 * @property {boolean} cnmc
 * @property {boolean} default
 *
 * @typedef {object} Neighbor
 * @property {string} name
 * @property {"ALL"|"HEM"} label
 * @property {number} similarity
 * @property {boolean} synthetic
 *
 * @typedef {object} Predictions
 * @property {string} [notice]
 * @property {CellPrediction[]} answers
 * @property {number} failed
 * @property {number} [seen_in_training]
 * @property {SubjectSummary[]} subjects
 *
 * @typedef {object} Problem
 * @property {string} error
 *
 * @typedef {object} Readiness
 * @property {"ready"} status
 * @property {string} version
 * @property {boolean} ephemeral
 *
 * @typedef {object} Review
 * @property {string} label
 * @property {string} [reviewer]
 * @property {string} [note]
 *
 * @typedef {object} ReviewOut
 * @property {string} label
 * @property {string} [reviewer]
 * @property {string} [note]
 * @property {string} created
 *
 * @typedef {object} Reviews
 * @property {string} label
 * @property {string} [reviewer]
 * @property {string} [note]
 * @property {number[]} cells
 *
 * @typedef {object} SubjectAnswer
 * @property {SubjectVerdict} verdict
 * @property {string} reason
 * @property {number} cells
 * @property {number|null} probability
 * @property {number|null} low
 * @property {number|null} high
 * @property {number|null} blasts
 * @property {number|null} blasts_low
 * @property {number|null} blasts_high
 * @property {number} [copies]
 *
 * @typedef {object} SubjectSummary
 * @property {string} subject
 * @property {number} cells
 * @property {number} blasts
 * @property {number|null} fraction
 * @property {number|null} low
 * @property {number|null} high
 * @property {number} not_answered
 * @property {number} [uncertain]
 * @property {number} [not_cells]
 * @property {SubjectAnswer|null} [answer]
 * @property {string} [answer_sentence]
 * @property {string} sentence
 *
 * @typedef {"leukemic"|"normal"|"uncertain"} SubjectVerdict
 *
 * @typedef {"blast"|"normal"|"uncertain"|"not a cell"|"error"} Verdict
 *
 * @typedef {object} VerdictEntry
 * @property {Verdict} verdict
 * @property {string} plural
 * @property {string} meaning
 * @property {string} color
 * @property {string|null} label
 * @property {boolean} from_probability
 *
 * @typedef {object} Vocabulary
 * @property {VerdictEntry[]} verdicts
 * @property {MetricEntry[]} metrics
 * @property {FormatEntry[]} image_formats
 * @property {string} file_name_pattern
 */

export {};
