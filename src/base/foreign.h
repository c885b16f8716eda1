/* Text from outside: names of files and servers, arguments, lists, what peers say. It may be of any
 * bytes, and what shows it may be a terminal that obeys escape sequences, a web page of a
 * monitoring system, or somebody who reads from left to right. Here is what every output lets
 * through. */
#ifndef BASE_FOREIGN_H
#define BASE_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character at TEXT, of which SIZE bytes are left, 1 to 4. *SHOWN is whether it
 * may be shown; it may not if it is no UTF-8 (a byte of that stands for itself), a control
 * character (C0, DEL, C1), a line or paragraph separator, or turns the direction of what follows
 * (U+202A to U+202E, U+2066 to U+2069, and the marks U+061C, U+200E, U+200F). */
size_t foreign_length(const char *text, size_t size, bool *shown);

/* Puts a question mark for each character that may not be shown, in place; returns what is left of
 * SIZE, for a question mark may be shorter. */
size_t foreign_clean(char *text, size_t size);

/* The same for a text that ends with a NUL. */
void foreign_clean_text(char *text);

/* A decoded character above U+007F that is UTF-8, but may not be shown. */
bool foreign_is_hidden(unsigned long character);

#endif
