/** The names in a text of them, with commas or blanks between: each once, in their order. */
export function symbolNames(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))];
}
