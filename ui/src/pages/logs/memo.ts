import { Component, type FunctionComponent, h } from 'preact';

/** A component that is drawn anew only when one of its properties changes. */
export function memo<P extends object>(inner: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const old = this.props as Record<string, unknown>;
      return Object.entries(next).some(([key, value]) => !Object.is(old[key], value));
    }
    override render() {
      return h(inner, this.props as P);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
