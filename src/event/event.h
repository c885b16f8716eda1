/* What an engine says: the vocabulary that reporters print. What each event has to tell is in a
 * table of fields (event_record). */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "address.h"
#include "bubbling.h"
#include "checking.h"
#include "classification.h"
#include "passive_summary.h"
#include "punching.h"
#include "qualification.h"
#include "serving.h"

enum event_kind {
    EVENT_REJECTED,        /* a reply broke a rule and was not believed */
    EVENT_QUALIFICATION,   /* the verdict of a qualification */
    EVENT_STEP,            /* a step of a hole punch changed its state */
    EVENT_NOTE,            /* evidence on the way of a hole punch */
    EVENT_PUNCHING,        /* the verdict of a hole punch */
    EVENT_PEER,            /* a responder dealt with a peer */
    EVENT_MAPPING_CHANGED, /* a refresh showed another mapped endpoint */
    EVENT_SERVER_LOST,     /* a refresh was not answered */
    EVENT_LISTENED,        /* the summary of a responder */
    EVENT_PROGRESS,        /* a long measurement is under way */
    EVENT_CLASSIFICATION,  /* the verdict of a classification */
    EVENT_CLOCK,           /* a capture's clock, compared with the first one's */
    EVENT_PASSIVE,         /* the summary of what captures show */
    EVENT_QUALIFIED_MANY,  /* the summary of the qualifications with several servers */
    EVENT_CHECKING,        /* the verdict of a check */
    EVENT_PACKET,          /* a Teredo packet of a capture */
    EVENT_FLOWS,           /* the summary of what captures hold */
    EVENT_ADDRESS,         /* an address taken apart */
    EVENT_BUBBLE_SENT,     /* a packet that was crafted */
    EVENT_BUBBLE_REPLY,    /* what came back */
    EVENT_BUBBLE_ICMP,     /* an ICMP error for one */
    EVENT_BUBBLED,         /* the summary of those */
    EVENT_SERVER_READY,    /* a server waits for packets */
    EVENT_SERVER_COUNTERS, /* what it has counted so far */
    EVENT_SERVED,          /* and in all */
    EVENT_SERVER_BACK,     /* a refresh is answered after others were not */
    EVENT_ADDRESS_GONE,    /* this host no longer has an address of a server */
    EVENT_ADDRESS_BACK,    /* it has it again */
    EVENT_LEFT_OUT,        /* events that were too many to be told */
    EVENT_KINDS
};

enum punch_note {
    NOTE_RETRANSMIT,      /* no answer yet: another bubble pair */
    NOTE_INDIRECT_ANSWER, /* the peer lives: it answered through our server */
    NOTE_UNPROVEN,        /* an answer from `from` carried no proof */
    NOTE_DIRECT_ICMP,     /* an ICMP error for the direct bubble */
    NOTE_SERVER_ICMP,     /* an ICMP error for the indirect bubble */
    NOTE_SERVER_CHECK,    /* asking the peer's server whether it lives */
    NOTE_SERVER_ALIVE,    /* it does */
};

/* What a measurement is waiting for. */
enum progress_phase {
    PROGRESS_FIRST_ANSWER, /* of a server */
    PROGRESS_LIFETIME,     /* of a mapping */
};

enum peer_activity {
    PEER_INDIRECT_BUBBLE, /* received through our server */
    PEER_DIRECT_BUBBLE,   /* received from the peer itself */
    PEER_ANSWERED,        /* direct bubble sent */
    PEER_ANSWERED_INDIRECTLY,
    PEER_TRUSTED,      /* the direct path is open */
    PEER_ECHOED,       /* echo request answered */
    PEER_UNPROVEN,     /* packet from another endpoint than the address says, without proof */
    PEER_RATE_LIMITED, /* a bubble not sent, by the rules of 5.2.6 */
    PEER_REFUSED,      /* the peer's embedded address is not global (5.2.4) */
};

/* Events of a kind that came too fast. */
struct left_out {
    const char *of;       /* the kind */
    const char *activity; /* what was alike in them; NULL = no more than that */
    uint64_t count;
};

struct event {
    enum event_kind kind;
    nsec when;
    union {
        struct {
            enum ra_rule rule;
            struct endpoint from;
            struct wire_fault fault;
        } rejected;
        struct qualification qualification;
        struct {
            enum punch_step step;
            unsigned attempt; /* from 1 */
            nsec offset;      /* since step 1 of the attempt that led here */
            struct step_report report;
            enum punch_proof proof;
            nsec rtt;       /* STEP_DATA received */
            bool by_bubble; /* and it is the answer to a direct bubble, not to the echo request */
        } step;
        struct {
            enum punch_note note;
            unsigned attempt;
            nsec offset;
            struct endpoint from;
            struct icmp_error icmp;
        } note;
        struct punching punching;
        struct {
            enum peer_activity activity;
            struct in6_addr peer;
            struct endpoint endpoint; /* the peer's, as seen or used */
            enum punch_proof proof;   /* of PEER_TRUSTED: why the endpoint is believed */
            nsec offset;              /* since the first packet of this contact */
        } peer;
        struct {
            struct endpoint before;
            struct endpoint after;
            struct in6_addr address; /* the new Teredo address */
        } mapping;
        struct {
            unsigned peers;
            unsigned bubbles_received;
            unsigned bubbles_sent;
            unsigned echoes;
            unsigned ignored;
            unsigned mapping_changes;
            nsec elapsed;
            bool count_reached;
        } listened;
        struct {
            enum progress_phase phase;
            nsec elapsed;
            nsec longest;  /* that it may take */
            nsec at_least; /* the bounds of the lifetime so far; 0 and NSEC_NEVER = none */
            nsec at_most;
        } progress;
        struct {
            unsigned vantage;
            struct clock_match fit;
        } clock;
        struct {
            struct endpoint server;
            nsec silent; /* since the last answer before */
        } back;
        struct endpoint gone; /* or back */
        struct left_out left_out;
        struct passive_summary passive;
        struct qualify_many_summary qualified_many;
        struct checking checking;
        /* Borrowed, for as long as the event is being told. */
        const struct classification *classification;
        const struct captured_packet *packet;
        const struct flows_summary *flows;
        const struct address *address;
        const struct bubble_packet *bubble_packet;
        const struct bubble_reply *bubble_reply;
        const struct bubble_icmp *bubble_icmp;
        const struct bubble_summary *bubbled;
        const struct serving *serving;
    };
};

/* Where a driver delivers events; a reporter gives one. */
struct event_sink {
    void (*emit)(void *context, const struct event *event);
    void *context;
};

/* How E is told: fields of a struct event. */
const struct record_type *event_record(const struct event *e);

extern const struct words peer_activities;
extern const struct words punch_notes;
extern const struct words progress_phases;

#endif
