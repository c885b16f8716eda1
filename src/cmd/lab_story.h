/* The story of a lab run: follows each Teredo packet through the emulated internet, and makes a
 * message-sequence chart of the whole. */
#ifndef CMD_LAB_STORY_H
#define CMD_LAB_STORY_H

#include "packet_event.h"
#include "sequence.h"

struct lab_story;

/* NULL if memory is out. WITH_QUALIFICATION also follows router solicitations and advertisements.
 */
struct lab_story *lab_story_new(bool with_qualification);

/* A packet_event_observer whose context is the story. */
void lab_story_observe(void *context, const struct packet_event *packet_event);

/* Adds what has happened so far to the chart OUT, in order of sending. Unless WHOLE, the indirect
 * answers that a peer sends beside its direct ones (RFC 6081) are left out: where the direct ones
 * arrive they change nothing. */
void lab_story_chart(const struct lab_story *story, struct sequence *out, bool whole);

void lab_story_free(struct lab_story *story);

#endif
