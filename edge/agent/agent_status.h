// What the agent knows of itself and of each person, once a second. Absent means not known.
#ifndef ATTUNE_EDGE_AGENT_AGENT_STATUS_H_
#define ATTUNE_EDGE_AGENT_AGENT_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edge/source/source.h"

namespace attune::edge {

struct PersonStatus {
  uint32_t participant = 0;  // 0: not joined yet
  std::string name;
  std::string state;
  std::string words;  // why not live; may be empty
  uint64_t beats_sent = 0;
  uint64_t beats_acknowledged = 0;
  uint64_t beats_durable = 0;
  uint64_t beats_lost = 0;
  uint64_t beats_refused = 0;
  uint64_t beats_after_end = 0;
  uint64_t beats_waiting = 0;  // kept here and in no journal yet
  double bpm = 0;
  std::optional<int64_t> data_age_ms;    // of the newest interval
  std::optional<double> artefact_share;  // of the last minute; see beat_meter.h
  DeviceStatus device;
  bool disk_trouble = false;
  std::string own_words;  // own values as the session sends them, for the terminal; may be empty
};

struct AgentStatus {
  int64_t session_us = 0;
  bool connected = false;
  std::optional<int64_t> clock_uncertainty_us;  // bound of the error of the session's clock
  std::vector<PersonStatus> people;
};

// "searching", "connecting", "connected", "lost"; empty: the source has no device.
inline const char* NameOf(DeviceStatus::Link link) {
  switch (link) {
    case DeviceStatus::Link::kNone:
      return "";
    case DeviceStatus::Link::kSearching:
      return "searching";
    case DeviceStatus::Link::kConnecting:
      return "connecting";
    case DeviceStatus::Link::kConnected:
      return "connected";
    case DeviceStatus::Link::kLost:
      return "lost";
  }
  return "";
}

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_AGENT_AGENT_STATUS_H_
