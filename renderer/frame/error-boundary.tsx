import { Component, type ReactNode } from 'react';
import { AppError } from '#shared/contract/errors.ts';
import { ErrorState } from '../components/states.tsx';

/** A page that fails takes neither the window nor the other pages with it. */
export class ErrorBoundary extends Component<
  { readonly children: ReactNode },
  { readonly problem: string | undefined }
> {
  override state: { readonly problem: string | undefined } = { problem: undefined };

  static getDerivedStateFromError(thrown: unknown): { problem: string } {
    return { problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }

  override render(): ReactNode {
    const { problem } = this.state;
    if (problem === undefined) return this.props.children;
    const message = `${problem}. Models and requests are not touched by this.`;
    return (
      <ErrorState
        title="This page could not be shown"
        error={new AppError('internal', message)}
        retry={() => this.setState({ problem: undefined })}
      />
    );
  }
}
