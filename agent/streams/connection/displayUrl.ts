/** A URL for people: without user, password and query, which may hold secrets. */
export function displayUrl(text: string): string {
  try {
    const url = new URL(text);
    return `${url.protocol}//${url.host}${url.pathname}`;
  } catch {
    return text.replace(/\?.*$/s, '').replace(/\/\/[^/@]*@/, '//');
  }
}
