import { Fragment } from 'preact';

/** A dotted name that may be broken after its dots where the cell allows it. */
export function BreakableName({ name }: { name: string }) {
  return (
    <>
      {name.split('.').map((part, index) => (
        <Fragment key={index}>
          {index > 0 && (
            <>
              .<wbr />
            </>
          )}
          {part}
        </Fragment>
      ))}
    </>
  );
}
