/** Grey bars instead of rows that are on their way, so that nothing jumps when they come. */
export function SkeletonRows({ rows, columns }: { rows: number; columns: number }) {
  return (
    <>
      {Array.from({ length: rows }, (_, row) => (
        <tr key={row} class="skeleton" aria-hidden="true">
          {Array.from({ length: columns }, (_, column) => (
            <td key={column}>
              <i />
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}
