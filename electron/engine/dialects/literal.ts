/** A text of another program's file as it must be written in Corral's own, where `${` begins a placeholder. */
export function literal(text: string): string {
  return text.replaceAll('${', () => '$${');
}
