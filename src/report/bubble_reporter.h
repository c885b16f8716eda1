/* What bubble_report.c and its text and JSON halves share. */
#ifndef REPORT_BUBBLE_REPORTER_H
#define REPORT_BUBBLE_REPORTER_H

#include <jansson.h>

#include "bubble_report.h"
#include "packet.h"

struct bubble_report {
    struct bubble_report_config config;
    json_t *packets, *replies, *icmp; /* what a json run has gathered; else NULL */
    struct stamp stamp;
    char text[PACKET_MAX_TEXT + 1]; /* of one packet */
};

/* The fields of S, and with LINE what decode prints above them. */
void bubble_text_tree(struct bubble_report *r, FILE *out, bool line,
                      const struct captured_packet *s);
void bubble_text_packet(struct bubble_report *r, const struct bubble_packet *p);
void bubble_text_reply(const struct bubble_report *r, const struct bubble_reply *reply);
void bubble_text_icmp(const struct bubble_report *r, const struct bubble_icmp *icmp);
void bubble_text_summary(const struct bubble_report *r, const struct bubble_summary *s);
void bubble_json_packet(struct bubble_report *r, const struct bubble_packet *p);
void bubble_json_reply(struct bubble_report *r, const struct bubble_reply *reply);
void bubble_json_icmp(struct bubble_report *r, const struct bubble_icmp *icmp);
void bubble_json_summary(struct bubble_report *r, const struct bubble_summary *s);

#endif
