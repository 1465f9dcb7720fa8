/**
 * Notification servers may read a body as markup (Desktop Notifications Specification 1.2, "Markup"), and Electron hands it
 * on as it is. Escaped text would be shown as such by servers without markup, so what begins markup is replaced by its
 * lookalike.
 */
export function linuxNotificationBody(text: string): string {
  return text.replaceAll('<', '‹').replaceAll('>', '›').replaceAll('&', '＆');
}
