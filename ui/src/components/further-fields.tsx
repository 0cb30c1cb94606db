interface Props {
  /** Fields of a record that its answer shows by name only. */
  fields: Record<string, string | number>;
}

/** The further fields of a call record, each with its name. */
export function FurtherFields({ fields }: Props) {
  return (
    <>
      {Object.entries(fields).map(([name, value]) => (
        <div key={name} class="mono dim" data-field={name}>
          {name} {value}
        </div>
      ))}
    </>
  );
}
