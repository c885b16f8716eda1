/* What the terminal of standard output is like. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

/* Its columns; without a terminal those of COLUMNS, else 100. */
unsigned terminal_width(void);

#endif
