import { Fragment } from 'preact';

/** A name or a route that may be broken after its dots and slashes where the cell allows it. */
export function BreakableName({ name }: { name: string }) {
  return (
    <>
      {name.split(/(?<=[./])/).map((part, index) => (
        <Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}
