/** A picture has so many pixels for each px of the page. */
const SCALE = 2

/**
 * Draws a panel as it is on the page into a PNG: backgrounds, text, canvases and
 * simple SVG, in this order of the document. A page's policy forbids images that
 * are not its own, so that the browser can't be asked to do it. Null if the browser
 * refuses.
 */
export function drawPicture(panel: HTMLElement): Promise<Blob | null> {
  const frame = panel.getBoundingClientRect()
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(frame.width * SCALE)
  canvas.height = Math.round(frame.height * SCALE)
  const context = canvas.getContext('2d')
  if (context === null) return Promise.resolve(null)
  context.scale(SCALE, SCALE)
  context.translate(-frame.left, -frame.top)
  context.textBaseline = 'alphabetic'
  drawElement(context, panel)
  return new Promise((done) => canvas.toBlob(done, 'image/png'))
}

function drawElement(context: CanvasRenderingContext2D, element: Element): void {
  const style = getComputedStyle(element)
  const box = element.getBoundingClientRect()
  // What is for the page's reader only, such as the menu, is not in the picture.
  const seen = style.visibility === 'visible' && style.display !== 'none'
  if (!seen || element.matches('.more, .said')) return
  // A line has no area, and is seen nevertheless.
  if (box.width * box.height === 0 && !(element instanceof SVGElement)) return
  context.save()
  context.globalAlpha *= Number(style.opacity)
  if (element instanceof SVGGraphicsElement) drawSVG(context, element, style)
  else drawBox(context, box, style)
  if (element instanceof HTMLCanvasElement && element.width > 0) {
    context.drawImage(element, box.left, box.top, box.width, box.height)
  }
  if (style.overflow !== 'visible') {
    context.beginPath()
    context.rect(box.left, box.top, box.width, box.height)
    context.clip()
  }
  for (const child of element.childNodes) {
    if (child instanceof Element) drawElement(context, child)
    else if (child instanceof Text) drawText(context, child, style)
  }
  context.restore()
}

function drawBox(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: DOMRect,
  style: CSSStyleDeclaration,
): void {
  context.beginPath()
  context.roundRect(left, top, width, height, Number.parseFloat(style.borderRadius) || 0)
  context.fillStyle = style.backgroundColor
  context.fill()
  if (style.borderTopStyle === 'solid' && Number.parseFloat(style.borderLeftWidth) > 0) {
    context.strokeStyle = style.borderTopColor
    context.lineWidth = Number.parseFloat(style.borderTopWidth)
    context.stroke()
  }
}

/** Paths only: what the panels' own drawings are made of. */
function drawSVG(
  context: CanvasRenderingContext2D,
  element: SVGGraphicsElement,
  style: CSSStyleDeclaration,
): void {
  const data = element.getAttribute('d')
  const matrix = element.getScreenCTM()
  if (data === null || matrix === null) return
  context.save()
  context.transform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
  const path = new Path2D(data)
  if (style.fill !== 'none') {
    context.fillStyle = style.fill
    context.fill(path)
  }
  if (style.stroke !== 'none') {
    context.strokeStyle = style.stroke
    context.lineWidth = Number.parseFloat(style.strokeWidth)
    context.lineCap = style.strokeLinecap as CanvasLineCap
    context.lineJoin = style.strokeLinejoin as CanvasLineJoin
    context.setLineDash(dashes(element, style))
    context.stroke(path)
  }
  context.restore()
}

/** Dashes in the units of the path, of which some say their own length. */
function dashes(element: SVGGraphicsElement, style: CSSStyleDeclaration): number[] {
  if (style.strokeDasharray === 'none') return []
  const said = Number(element.getAttribute('pathLength'))
  const real = element instanceof SVGGeometryElement ? element.getTotalLength() : 0
  const unit = said > 0 && real > 0 ? real / said : 1
  // Computed lengths may be written `calc(63px)`.
  return (style.strokeDasharray.match(/[\d.]+/g) ?? []).map((length) => Number(length) * unit)
}

/** A text, line by line where it is broken. What does not fit is cut as on the page. */
function drawText(context: CanvasRenderingContext2D, text: Text, style: CSSStyleDeclaration): void {
  if (text.data.trim() === '') return
  const range = document.createRange()
  range.selectNodeContents(text)
  const [box] = range.getClientRects()
  if (box === undefined) return
  context.fillStyle = style.color
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
  const size = Number.parseFloat(style.fontSize)
  context.fillText(text.data, box.left, box.top + box.height / 2 + size * 0.36)
}
