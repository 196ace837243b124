// Words for what the contract says in enums and numbers. Neutral: synchrony is neither good nor
// bad. Pure functions; thread-safe.
#ifndef ATTUNE_EDGE_WORDS_WORDS_H_
#define ATTUNE_EDGE_WORDS_WORDS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "attune/v1/live.pb.h"
#include "attune/v1/node.pb.h"
#include "attune/v1/report.pb.h"
#include "attune/v1/session.pb.h"

namespace attune::edge {

std::string Word(v1::SessionKind kind);
std::string Word(v1::SessionState state);
std::string Word(v1::Role role);
std::string Word(v1::LinkState link);
std::string Word(v1::PracticeKind kind);
std::string Word(v1::PromptKind kind);
std::string Word(v1::Purpose purpose);
std::string Word(v1::Audience audience);
std::string Word(v1::JournalState state);
std::string Word(v1::DurabilityTier tier);
std::string Word(v1::NodeState state);

// Why a number is not there. `k_min` > 0 is told along with "too few people".
std::string Word(v1::Absence absence, uint32_t k_min = 0);

// "0:07", "12:34", "1:02:03" from microseconds, rounded down; "-" when negative.
std::string ClockTime(int64_t us);

// "250 ms", "15 s", "3 min", "1.5 min" from microseconds.
std::string Span(int64_t us);

// "98 %" from a share.
std::string Percent(double share);

// "+0.34", "-0.02"; never "-0.00".
std::string Signed(double value, int decimals = 2);
std::string Fixed(double value, int decimals);

// What a lag means: "Ben follows Ana by 0.5 s", with its standard error "by 0.5+-0.1 s"; "no
// lag" below half a sample (125 ms), "no clear lag" when it is smaller than two standard errors.
// Where there is little room, `with_error` false leaves the error out.
std::string LagWords(const v1::Number& lag_ms, const std::string& a, const std::string& b,
                     bool with_error = true);

// "above chance", "within chance", or why there is no test (a pacer or stimulus that everybody
// shares is a shared cue). A value beyond the band that has not held for long enough, or does not
// after correction for all pairs, is "outside band, not yet held". Empty when the number itself is
// absent.
std::string ChanceWords(const v1::Number& number);

// One entry of the session's log, without its time. `name` gives a participant's shown name.
std::string EntryWords(const v1::LogEntry& entry, const std::function<std::string(uint32_t)>& name);

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_WORDS_WORDS_H_
