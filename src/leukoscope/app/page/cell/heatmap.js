/**
 * Draw a heatmap over a cell: vermilion is evidence for ALL, blue against it, and weaker evidence is
 * more transparent. One value is one pixel, which the browser scales up bilinearly.
 */

/** Colors for and against ALL, as in style.css; distinct for all types of color vision. */
const FOR = [227, 84, 0];
const AGAINST = [40, 140, 220];

/**
 * Color and opacity of a value.
 *
 * @param {number} value
 * @param {number} scale The magnitude shown at full strength.
 * @returns {[number, number, number, number]} RGBA, each 0 to 255.
 */
export function heatColor(value, scale) {
  const [red, green, blue] = value >= 0 ? FOR : AGAINST;
  const strength = scale > 0 ? Math.min(Math.abs(value) / scale, 1) : 0;
  return [red, green, blue, Math.round(255 * strength)];
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[][]} heatmap
 * @param {number} scale
 */
export function drawHeatmap(canvas, heatmap, scale) {
  const height = heatmap.length;
  const width = heatmap[0]?.length ?? 0;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context || !width) return;
  const image = context.createImageData(width, height);
  heatmap.forEach((row, y) => {
    row.forEach((value, x) => image.data.set(heatColor(value, scale), 4 * (y * width + x)));
  });
  context.putImageData(image, 0, 0);
}
