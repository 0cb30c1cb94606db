/** A pie with one slice drawn out. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path class="logo-pie" d="M15 4a12.5 12.5 0 1 0 12.5 12.5H15z" />
      <path class="logo-slice" d="M18.5 2.5v10.5h10.5A10.5 10.5 0 0 0 18.5 2.5z" />
    </svg>
  );
}
