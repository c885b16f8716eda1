#include "packet_story.h"

#include <stdio.h>
#include <stdlib.h>

#include "teredo.h"
#include "udp.h"

/* Packets beyond this are counted, not drawn: a ladder that long is of no use to anybody. */
enum {
    MAX_PACKETS = 512,
    MAX_NOTES = 4,
    NOTE_SIZE = SEQUENCE_LABEL
};

/* What a packet is. Bubbles are the steps of RFC 4380 5.2.6, by who sent them. */
enum label {
    LABEL_NONE, /* it has no place in the story */
    LABEL_DIRECT_BUBBLE,
    LABEL_INDIRECT_BUBBLE,
    LABEL_FORWARDED,
    LABEL_ANSWER,
    LABEL_INDIRECT_ANSWER,
    LABEL_INDIRECT_ANSWER_FORWARDED,
    LABEL_ECHO_REQUEST,
    LABEL_ECHO_REPLY,
    LABEL_RS,
    LABEL_RA,
    LABEL_ICMP6,
    LABEL_DATA,
};

static const char *const labels[] = {
    [LABEL_DIRECT_BUBBLE] = "1 direct bubble",
    [LABEL_INDIRECT_BUBBLE] = "2 indirect bubble",
    [LABEL_FORWARDED] = "3 bubble with origin",
    [LABEL_ANSWER] = "4 direct bubble",
    [LABEL_INDIRECT_ANSWER] = "indirect answer",
    [LABEL_INDIRECT_ANSWER_FORWARDED] = "indirect answer with origin",
    [LABEL_ECHO_REQUEST] = "5 echo request",
    [LABEL_ECHO_REPLY] = "5 echo reply",
    [LABEL_RS] = "router solicitation",
    [LABEL_RA] = "router advertisement",
    [LABEL_ICMP6] = "ICMPv6",
    [LABEL_DATA] = "data",
};

struct note {
    enum chart_party at;
    char text[NOTE_SIZE];
};

struct packet {
    uint64_t id;
    nsec when;
    enum chart_party from;
    enum chart_party end;
    bool stopped;
    bool ended;
    enum label label;
    struct note notes[MAX_NOTES];
    unsigned note_count;
};

struct packet_story {
    bool with_qualification;
    struct packet packets[MAX_PACKETS];
    unsigned count;
    unsigned beyond;
};

struct packet_story *packet_story_new(bool with_qualification)
{
    struct packet_story *story = calloc(1, sizeof *story);

    if (story != NULL)
        story->with_qualification = with_qualification;
    return story;
}

void packet_story_free(struct packet_story *story)
{
    free(story);
}

static enum label label_bubble(enum chart_party from, bool to_server)
{
    switch (from) {
    case PARTY_A:
        return to_server ? LABEL_INDIRECT_BUBBLE : LABEL_DIRECT_BUBBLE;
    case PARTY_B:
        return to_server ? LABEL_INDIRECT_ANSWER : LABEL_ANSWER;
    case PARTY_SERVER_B:
        return LABEL_FORWARDED;
    default:
        return LABEL_INDIRECT_ANSWER_FORWARDED;
    }
}

static enum label label_packet(const struct packet_story *story, enum chart_party from,
                               const struct bytes *packet)
{
    struct udp_datagram d;
    struct teredo_packet t;
    struct wire_fault fault;

    if (!udp4_decode(packet->data, packet->size, false, &d, &fault) ||
        !teredo_decode(d.payload, d.payload_size, &t, &fault))
        return LABEL_NONE;
    switch (t.kind) {
    case TEREDO_BUBBLE:
        return label_bubble(from, d.to.port == TEREDO_PORT);
    case TEREDO_ECHO_REQUEST:
        return LABEL_ECHO_REQUEST;
    case TEREDO_ECHO_REPLY:
        return LABEL_ECHO_REPLY;
    case TEREDO_RS:
        return story->with_qualification ? LABEL_RS : LABEL_NONE;
    case TEREDO_RA:
        return story->with_qualification ? LABEL_RA : LABEL_NONE;
    case TEREDO_ICMP6:
        return LABEL_ICMP6;
    case TEREDO_DATA:
        return LABEL_DATA;
    }
    return LABEL_NONE;
}

void packet_story_send(struct packet_story *story, uint64_t id, nsec when, enum chart_party at,
                       const struct bytes *packet)
{
    enum label label = label_packet(story, at, packet);

    if (label == LABEL_NONE)
        return;
    if (story->count == MAX_PACKETS) {
        story->beyond++;
        return;
    }
    story->packets[story->count++] =
        (struct packet){.id = id, .when = when, .from = at, .end = at, .label = label};
}

static struct packet *find_packet(struct packet_story *story, uint64_t id)
{
    for (unsigned i = story->count; i > 0; i--)
        if (story->packets[i - 1].id == id)
            return &story->packets[i - 1];
    return NULL;
}

static void add_note(struct packet *packet, enum chart_party at, const char *text)
{
    struct note *note = &packet->notes[packet->note_count];

    if (packet->note_count == MAX_NOTES)
        return;
    packet->note_count++;
    note->at = at;
    snprintf(note->text, sizeof note->text, "%s", text);
}

void packet_story_remark(struct packet_story *story, uint64_t id, enum chart_party at,
                         const char *text)
{
    struct packet *packet = find_packet(story, id);

    if (packet != NULL)
        add_note(packet, at, text);
}

void packet_story_end(struct packet_story *story, uint64_t id, enum chart_party at,
                      const char *text)
{
    struct packet *packet = find_packet(story, id);

    if (packet == NULL || packet->ended)
        return;
    packet->ended = true;
    packet->end = at;
    packet->stopped = text != NULL;
    if (text != NULL)
        add_note(packet, at, text);
}

static bool is_aside(const struct packet *packet)
{
    return packet->label == LABEL_INDIRECT_ANSWER ||
           packet->label == LABEL_INDIRECT_ANSWER_FORWARDED;
}

static bool is_used(const struct packet_story *story, enum chart_party party, bool whole)
{
    for (unsigned i = 0; i < story->count; i++) {
        const struct packet *packet = &story->packets[i];

        if (is_aside(packet) && !whole)
            continue;
        if (packet->from == party || packet->end == party)
            return true;
        for (unsigned n = 0; n < packet->note_count; n++)
            if (packet->notes[n].at == party)
                return true;
    }
    return false;
}

static void draw_packet(struct sequence *out, const unsigned lane[static PARTY_COUNT],
                        const struct packet *packet, nsec zero)
{
    /* What has not ended by now is still under way. */
    if (packet->ended && packet->from != packet->end) {
        struct sequence_item *arrow =
            sequence_arrow(out, lane[packet->from], lane[packet->end], "%s", labels[packet->label]);

        sequence_at(arrow, packet->when - zero);
        arrow->stopped = packet->stopped;
    }
    for (unsigned i = 0; i < packet->note_count; i++)
        sequence_remark(out, lane[packet->notes[i].at], "%s", packet->notes[i].text);
}

/* Times count from step 1; from the first packet where there is none. */
static nsec find_zero(const struct packet_story *story)
{
    for (unsigned i = 0; i < story->count; i++)
        if (story->packets[i].from == PARTY_A && story->packets[i].label == LABEL_DIRECT_BUBBLE)
            return story->packets[i].when;
    return story->count > 0 ? story->packets[0].when : 0;
}

void packet_story_chart(const struct packet_story *story, struct sequence *out, bool whole)
{
    static const struct {
        enum chart_party party;
        const char *title;
    } order[] = {
        {PARTY_A, "A"},       {PARTY_NAT_A, "NAT A"},       {PARTY_SERVER_A, "server 1"},
        {PARTY_CORE, "core"}, {PARTY_SERVER_B, "server 2"}, {PARTY_NAT_B, "NAT B"},
        {PARTY_B, "B"},
    };
    unsigned lane[PARTY_COUNT] = {0};

    for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
        enum chart_party party = order[i].party;

        if (party == PARTY_A || party == PARTY_B || is_used(story, party, whole))
            lane[party] = sequence_lane(out, i, order[i].title);
    }
    for (unsigned i = 0; i < story->count; i++)
        if (whole || !is_aside(&story->packets[i]))
            draw_packet(out, lane, &story->packets[i], find_zero(story));
    out->beyond += story->beyond;
}
