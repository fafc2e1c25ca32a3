/** Lines of a CSV file (RFC 4180) that a spreadsheet shows and never calculates. */

/** With its line end. Every cell is quoted. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(cell).join(",")}\r\n`;
}

/** A cell that begins like a formula gets an apostrophe: https://owasp.org/www-community/attacks/CSV_Injection. */
function cell(text: string): string {
  const plain = /^\s*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${plain.replaceAll('"', '""')}"`;
}
