/* What the terminal of standard output is like. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include <stdbool.h>

/* True if it is one, and of a kind that can erase and move about. */
bool terminal_can_draw(void);

/* Its columns; without a terminal those of COLUMNS, else 100. */
unsigned terminal_width(void);

#endif
