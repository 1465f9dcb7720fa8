/**
 * What the window's pages may do, sent with every one of them: scripts, styles and connections of their own origin and
 * nothing else. Images may be made in the page, as previews of what a chat attaches.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');
