/** Line icons, drawn on a 16 × 16 grid in the colour of the text. */
const PATHS = {
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9zM10.5 10.5L14 14',
  chevron: 'M6 4l4 4l-4 4',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.600l8-4.800z',
  copy: 'M6 5.500h7.500v8H6zM10 5.500V2.500H2.500v8H6',
  check: 'M3 8.500l3.5 3.500L13 4.5',
  warning: 'M8 2.200L14.5 13.500h-13zM8 6.500v3.200M8 11.400v.6',
  info: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 7.2v3.6M8 4.9v.3',
  refresh: 'M13 5.500A5.5 5.5 0 1 0 13.5 8M13.5 2.500v3.200h-3.2',
  theme: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
  signOut: 'M6.5 2.500h-4v11h4M6 8h8M11 5l3 3l-3 3',
  up: 'M8 12.500v-9M4.5 7L8 3.500L11.5 7',
  down: 'M8 3.500v9M4.5 9L8 12.500L11.5 9',
  back: 'M13 8H3M7 4L3 8l4 4',
  star: 'M8 2.200l1.800 3.700l4 .6l-2.900 2.800l.7 4L8 11.400l-3.600 1.900l.7-4L2.200 6.500l4-.6z',
  chart: 'M2.500 2.500v11h11M5 10.500l2.500-3.500l2.500 2l3-4.500',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  close: 'M4 4l8 8M12 4l-8 8',
  fold: 'M4 6l4 4l4-4',
  foldUp: 'M4 10l4-4l4 4',
  clock: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.500V8l2.500 1.500',
  plus: 'M8 3.500v9M3.500 8h9',
  minus: 'M3.500 8h9',
  link: 'M6.700 9.300a2.600 2.600 0 0 0 3.700 0l2.200-2.200a2.600 2.600 0 0 0-3.700-3.700l-.8.8M9.300 6.700a2.600 2.600 0 0 0-3.700 0L3.400 8.900a2.600 2.600 0 0 0 3.700 3.700l.8-.8',
  filter: 'M2.500 3.500h11L9.300 8.500v4l-2.600 1.200V8.500z',
  trash: 'M3 4.500h10M6.500 4.500v-2h3v2M4.500 4.500l.6 9h5.800l.6-9',
  stop: 'M3.500 3.500h9v9h-9z',
  lines: 'M2.500 4h11M2.500 8h11M2.500 12h7',
  chain: 'M3 3.500h3.500v3H3zM9.500 9.500H13v3H9.500zM4.700 6.500v4.500h4.800',
  task: 'M2.500 4.200l1.200 1.200l2-2.200M2.500 10.200l1.200 1.200l2-2.200M8 4.500h5.500M8 10.500h5.500',
  question: 'M5.500 6a2.500 2.500 0 1 1 3.700 2.200c-.8.5-1.200.9-1.200 1.800M8 12.600v.2',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
