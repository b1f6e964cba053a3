/**
 * What travels between the server and the page: the models of schemas.py, for the type checker.
 *
 * @typedef {{name: string, label: "ALL"|"HEM", similarity: number, synthetic: boolean}} Neighbor
 *
 * @typedef {object} Answer
 * @property {string} name
 * @property {string} subject
 * @property {number|null} p_all
 * @property {string} verdict
 * @property {number|null} logit
 * @property {string[]} flags
 * @property {string} reason
 * @property {string} model
 * @property {string} sha256
 * @property {number} threshold
 * @property {number[][]|null} [heatmap]
 * @property {"exact"|"occlusion"|null} [heatmap_kind]
 * @property {string|null} [picture]
 * @property {Record<string, number|null>|null} [features]
 * @property {Neighbor[]|null} [neighbors]
 * @property {number|null} [cell_id]
 *
 * @typedef {{label: string, reviewer: string, note: string, created: string}} Review
 *
 * @typedef {Answer & {id: number, answered: string, has_image: boolean, review: Review|null}} Cell
 *
 * @typedef {object} Summary
 * @property {string} subject
 * @property {number} cells
 * @property {number} blasts
 * @property {number|null} fraction
 * @property {number|null} low
 * @property {number|null} high
 * @property {number} not_answered
 * @property {number} uncertain
 * @property {number} not_cells
 * @property {string} sentence
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
 * @property {Abstains|null} abstains
 * @property {Record<string, number>} verdicts
 * @property {number} reviewed
 * @property {boolean} can_undo
 * @property {Summary[]} subjects
 *
 * @typedef {{all_from: number, hem_to: number}} Abstains Which classes a probability leaves possible.
 *
 * @typedef {{sensitivity: number[], specificity: number[]}} Curve
 *
 * @typedef {{name: string, sha256: string, created: string, card: any,
 *   facts: [string, string][], default: boolean}} Model
 *
 * @typedef {{file: File, name: string}} Upload A file with its path relative to what was dropped.
 */

export {};
