#include "lab_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teredo.h"
#include "udp.h"

/* Packets beyond this are counted, not drawn: a ladder that long is of no use to anybody. */
enum {
    MAX_PACKETS = 512,
    MAX_NOTES = 4,
    NOTE_SIZE = NAT_RESULT_STRLEN + 64
};

struct note {
    enum place place;
    char text[NOTE_SIZE];
};

struct packet {
    uint64_t id;
    nsec when;
    enum place from;
    enum place end;
    bool stopped;
    bool ended;
    bool aside; /* an indirect answer */
    const char *label;
    struct note notes[MAX_NOTES];
    unsigned note_count;
};

struct lab_story {
    bool with_qualification;
    struct packet packets[MAX_PACKETS];
    unsigned count;
    unsigned beyond;
};

struct lab_story *lab_story_new(bool with_qualification)
{
    struct lab_story *story = calloc(1, sizeof *story);

    if (story != NULL)
        story->with_qualification = with_qualification;
    return story;
}

void lab_story_free(struct lab_story *story)
{
    free(story);
}

/* The seed's five steps, for a bubble between these hosts. */
static const char *bubble_label(enum lab_host from, bool to_server)
{
    if (from == LAB_A)
        return to_server ? "2 indirect bubble" : "1 direct bubble";
    if (from == LAB_B)
        return to_server ? "indirect answer" : "4 direct bubble";
    return from == LAB_S2 ? "3 bubble with origin" : "indirect answer with origin";
}

/* What the packet is, in few words; NULL if it has no place in the story. */
static const char *label_packet(const struct lab_story *story, const struct packet_event *p)
{
    struct udp_datagram d;
    struct teredo_packet t;
    struct wire_fault fault;

    if (!udp4_decode(p->data, p->size, false, &d, &fault) ||
        !teredo_decode(d.payload, d.payload_size, &t, &fault))
        return NULL;
    switch (t.kind) {
    case TEREDO_BUBBLE:
        return bubble_label(p->host, d.to.port == TEREDO_PORT);
    case TEREDO_ECHO_REQUEST:
        return "5 echo request";
    case TEREDO_ECHO_REPLY:
        return "5 echo reply";
    case TEREDO_RS:
        return story->with_qualification ? "router solicitation" : NULL;
    case TEREDO_RA:
        return story->with_qualification ? "router advertisement" : NULL;
    case TEREDO_ICMP6:
        return "ICMPv6";
    case TEREDO_DATA:
        return "data";
    }
    return NULL;
}

static void start_packet(struct lab_story *story, const struct packet_event *p)
{
    struct packet *packet = &story->packets[story->count];
    const char *label = label_packet(story, p);

    if (label == NULL)
        return;
    if (story->count == MAX_PACKETS) {
        story->beyond++;
        return;
    }
    *packet = (struct packet){
        .id = p->packet, .when = p->when, .from = p->place, .end = p->place, .label = label};
    packet->aside = strncmp(label, "indirect answer", strlen("indirect answer")) == 0;
    story->count++;
}

static struct packet *find_packet(struct lab_story *story, uint64_t id)
{
    for (unsigned i = story->count; i > 0; i--)
        if (story->packets[i - 1].id == id)
            return &story->packets[i - 1];
    return NULL;
}

static void add_note(struct packet *packet, enum place place, const char *text)
{
    struct note *note = &packet->notes[packet->note_count];

    if (packet->note_count == MAX_NOTES)
        return;
    packet->note_count++;
    note->place = place;
    snprintf(note->text, sizeof note->text, "%s", text);
}

/* A NAT that only refreshes what it has is no news. */
static void note_nat(struct packet *packet, const struct packet_event *p)
{
    unsigned news =
        NAT_MAPPING_CREATED | NAT_MAPPING_EXPIRED | NAT_FILTER_OPENED | NAT_FILTER_EXPIRED;
    char text[NAT_RESULT_STRLEN];

    if (p->nat != NULL && (p->nat->verdict != NAT_OUT || (p->nat->happened & news) != 0))
        add_note(packet, p->place, nat_result_text(p->nat, text));
}

static void end_packet(struct packet *packet, const struct packet_event *p)
{
    char text[NAT_RESULT_STRLEN];

    if (packet->ended)
        return;
    packet->ended = true;
    packet->end = p->place;
    packet->stopped = p->kind != PACKET_EVENT_DELIVERED;
    if (p->kind == PACKET_EVENT_LOST)
        add_note(packet, p->place, "lost on the link");
    else if (p->kind == PACKET_EVENT_DISCARDED && p->nat != NULL)
        add_note(packet, p->place, nat_result_text(p->nat, text));
    else if (p->kind == PACKET_EVENT_DISCARDED)
        add_note(packet, p->place, packet_event_reason_text(p->reason));
}

void lab_story_observe(void *context, const struct packet_event *p)
{
    struct lab_story *story = context;
    struct packet *packet;

    if (p->kind == PACKET_EVENT_SENT) {
        if (p->protocol == IP_PROTOCOL_UDP && p->about == 0)
            start_packet(story, p);
        return;
    }
    packet = p->copy == 0 ? find_packet(story, p->packet) : NULL;
    if (packet == NULL)
        return;
    switch (p->kind) {
    case PACKET_EVENT_NAT:
        note_nat(packet, p);
        break;
    case PACKET_EVENT_DUPLICATED:
        add_note(packet, p->place, "the link carries it twice");
        break;
    case PACKET_EVENT_LOST:
    case PACKET_EVENT_DISCARDED:
    case PACKET_EVENT_DELIVERED:
        end_packet(packet, p);
        break;
    case PACKET_EVENT_SENT:
    case PACKET_EVENT_FORWARDED:
        break;
    }
}

static bool place_is_used(const struct lab_story *story, enum place place, bool whole)
{
    for (unsigned i = 0; i < story->count; i++) {
        const struct packet *packet = &story->packets[i];

        if (packet->aside && !whole)
            continue;
        if (packet->from == place || packet->end == place)
            return true;
        for (unsigned n = 0; n < packet->note_count; n++)
            if (packet->notes[n].place == place)
                return true;
    }
    return false;
}

static void draw_packet(struct sequence *out, const unsigned lane[static PLACE_COUNT],
                        const struct packet *packet, nsec zero)
{
    /* What has not ended by now is still under way. */
    if (packet->ended && packet->from != packet->end) {
        struct sequence_item *arrow =
            sequence_arrow(out, lane[packet->from], lane[packet->end], "%s", packet->label);

        sequence_at(arrow, packet->when - zero);
        arrow->stopped = packet->stopped;
    }
    for (unsigned i = 0; i < packet->note_count; i++)
        sequence_remark(out, lane[packet->notes[i].place], "%s", packet->notes[i].text);
}

/* Times count from step 1; from the first packet where there is none. */
static nsec find_zero(const struct lab_story *story)
{
    for (unsigned i = 0; i < story->count; i++)
        if (story->packets[i].from == PLACE_HOST_A &&
            strcmp(story->packets[i].label, "1 direct bubble") == 0)
            return story->packets[i].when;
    return story->count > 0 ? story->packets[0].when : 0;
}

void lab_story_chart(const struct lab_story *story, struct sequence *out, bool whole)
{
    static const enum place order[] = {PLACE_HOST_A,   PLACE_NAT_A, PLACE_SERVER_1, PLACE_CORE,
                                       PLACE_SERVER_2, PLACE_NAT_B, PLACE_HOST_B};
    unsigned lane[PLACE_COUNT] = {0};

    for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
        if (order[i] == PLACE_HOST_A || order[i] == PLACE_HOST_B ||
            place_is_used(story, order[i], whole))
            lane[order[i]] = sequence_lane(out, i, place_title(order[i]));
    for (unsigned i = 0; i < story->count; i++)
        if (whole || !story->packets[i].aside)
            draw_packet(out, lane, &story->packets[i], find_zero(story));
    out->beyond += story->beyond;
}
