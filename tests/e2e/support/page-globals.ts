/** What functions that run in a page use of it; the tests are compiled without the types of a browser. */

export interface PageFrame {
  readonly contentWindow: object | null;
  remove(): void;
}

export interface PageDocument {
  readonly title: string;
  readonly body: { append(frame: PageFrame): void };
  createElement(name: 'iframe'): PageFrame;
}
