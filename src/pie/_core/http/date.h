/* The time as HTTP writes it. Needs the GIL. */
#ifndef PIE_HTTP_DATE_H
#define PIE_HTTP_DATE_H

#define DATE_SIZE 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Of this second; valid until the next call. */
const char *date_now(void);

#endif
