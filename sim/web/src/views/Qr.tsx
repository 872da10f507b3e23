import qrcode from "qrcode-generator";

/** A QR code, drawn; always dark on light, since many readers see nothing else. */
export function Qr(props: { text: string; label: string }) {
  const code = qrcode(0, "M");
  code.addData(props.text);
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let row = 0; row < size; row++) for (let column = 0; column < size; column++) if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
  return (
    <svg class="qr" viewBox={`-4 -4 ${size + 8} ${size + 8}`} role="img" aria-label={props.label} shape-rendering="crispEdges">
      <rect x="-4" y="-4" width={size + 8} height={size + 8} fill="#fff" /><path d={path} fill="#000" />
    </svg>
  );
}
