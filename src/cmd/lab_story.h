/* The story of a lab run: follows each Teredo packet through the emulated internet, and draws the
 * whole as a ladder. */
#ifndef CMD_LAB_STORY_H
#define CMD_LAB_STORY_H

#include <stdio.h>

#include "passage.h"

struct lab_story;

/* NULL if memory is out. WITH_QUALIFICATION also follows router solicitations and advertisements.
 */
struct lab_story *lab_story_new(bool with_qualification);

/* A passage_observer whose context is the story. */
void lab_story_observe(void *context, const struct passage *passage);

/* Draws what has happened so far, in order of sending. Unless WHOLE, the indirect answers that a
 * peer sends beside its direct ones (RFC 6081) are left out: where the direct ones arrive they
 * change nothing. */
void lab_story_draw(const struct lab_story *story, FILE *out, unsigned width, bool ascii,
                    bool color, bool whole);

void lab_story_free(struct lab_story *story);

#endif
