/* The story of packets whose every step is known, as in the emulated internet: follows each Teredo
 * packet from its sender to its end, and makes a message-sequence chart of the whole. */
#ifndef REPORT_PACKET_STORY_H
#define REPORT_PACKET_STORY_H

#include <stdint.h>

#include "chart.h"

struct packet_story;

/* NULL if memory is out. WITH_QUALIFICATION also follows router solicitations and advertisements.
 */
struct packet_story *packet_story_new(bool with_qualification);
void packet_story_free(struct packet_story *story);

/* The party AT sends the SIZE bytes of an IPv4 packet, which has the number ID from now on. */
void packet_story_send(struct packet_story *story, uint64_t id, nsec when, enum chart_party at,
                       const struct bytes *packet);

/* TEXT happens to the packet ID at AT. Packets that are not followed are passed over. */
void packet_story_remark(struct packet_story *story, uint64_t id, enum chart_party at,
                         const char *text);

/* The packet ID ends at AT: it arrives, or it is stopped, by what TEXT says (NULL = it arrives).
 * Only the first end counts. */
void packet_story_end(struct packet_story *story, uint64_t id, enum chart_party at,
                      const char *text);

/* Adds what has happened so far to the chart OUT, in order of sending. Unless WHOLE, the indirect
 * answers that a peer sends beside its direct ones (RFC 6081) are left out: where the direct ones
 * arrive they change nothing. */
void packet_story_chart(const struct packet_story *story, struct sequence *out, bool whole);

#endif
