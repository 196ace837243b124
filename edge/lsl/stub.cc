// A stand-in for liblsl with the same C interface: outlets and inlets of one process meet in
// memory. What it was given can be read back, and streams can be made and broken, through
// stub_lsl_*; see testing.h.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/lsl/abi.h"
#include "edge/lsl/testing.h"
#include "services/base/mutex.h"

namespace attune::edge {
namespace {

struct Stream {
  std::string name, type, source_id, unit;
  int32_t channels = 1;
  int32_t format = kLslDouble64;
  bool alive = true;
  std::deque<std::pair<double, double>> numbers;      // (value, time)
  std::vector<std::pair<std::string, double>> words;  // likewise
};
struct Info {
  std::shared_ptr<Stream> stream;
};
struct Inlet {
  std::shared_ptr<Stream> stream;
  size_t next = 0;
};

struct World {
  Mutex mu;
  std::vector<std::shared_ptr<Stream>> streams ATTUNE_GUARDED_BY(mu);
  double now_s ATTUNE_GUARDED_BY(mu) = 1000;
  double remote_ahead_s ATTUNE_GUARDED_BY(mu) = 0;
};
World& TheWorld() {
  static World world;
  return world;
}

}  // namespace
}  // namespace attune::edge

using attune::MutexLock;
using attune::edge::Info;
using attune::edge::Inlet;
using attune::edge::Stream;
using attune::edge::TheWorld;

extern "C" {

double lsl_local_clock() {
  MutexLock lock(TheWorld().mu);
  return TheWorld().now_s;
}

void* lsl_create_streaminfo(const char* name, const char* type, int32_t channels, double,
                            int32_t format, const char* source_id) {
  auto stream = std::make_shared<Stream>();
  stream->name = name;
  stream->type = type;
  stream->channels = channels;
  stream->format = format;
  stream->source_id = source_id;
  return new Info{std::move(stream)};
}
void lsl_destroy_streaminfo(void* info) { delete static_cast<Info*>(info); }
const char* lsl_get_name(void* info) { return static_cast<Info*>(info)->stream->name.c_str(); }
int32_t lsl_get_channel_count(void* info) { return static_cast<Info*>(info)->stream->channels; }
int32_t lsl_get_channel_format(void* info) { return static_cast<Info*>(info)->stream->format; }
// XML elements are all the stream itself: only the unit is kept.
void* lsl_get_desc(void* info) { return static_cast<Info*>(info)->stream.get(); }
void* lsl_append_child(void* element, const char*) { return element; }
void* lsl_append_child_value(void* element, const char* name, const char* value) {
  if (std::strcmp(name, "unit") == 0) static_cast<Stream*>(element)->unit = value;
  return element;
}

void* lsl_create_outlet(void* info, int32_t, int32_t) {
  auto* outlet = new Info{static_cast<Info*>(info)->stream};
  MutexLock lock(TheWorld().mu);
  TheWorld().streams.push_back(outlet->stream);
  return outlet;
}
void lsl_destroy_outlet(void* outlet) {
  MutexLock lock(TheWorld().mu);
  static_cast<Info*>(outlet)->stream->alive = false;
  delete static_cast<Info*>(outlet);
}
int32_t lsl_push_sample_dt(void* outlet, const double* data, double at_s) {
  MutexLock lock(TheWorld().mu);
  static_cast<Info*>(outlet)->stream->numbers.emplace_back(*data, at_s);
  return 0;
}
int32_t lsl_push_sample_strt(void* outlet, const char** data, double at_s) {
  MutexLock lock(TheWorld().mu);
  static_cast<Info*>(outlet)->stream->words.emplace_back(*data, at_s);
  return 0;
}

int32_t lsl_resolve_byprop(void** buffer, uint32_t count, const char* property, const char* value,
                           int32_t, double) {
  MutexLock lock(TheWorld().mu);
  uint32_t found = 0;
  for (const auto& stream : TheWorld().streams) {
    const std::string& mine = std::strcmp(property, "name") == 0 ? stream->name : stream->type;
    if (stream->alive && mine == value && found < count) buffer[found++] = new Info{stream};
  }
  return static_cast<int32_t>(found);
}
void* lsl_create_inlet(void* info, int32_t, int32_t, int32_t) {
  MutexLock lock(TheWorld().mu);
  const auto& stream = static_cast<Info*>(info)->stream;
  return new Inlet{stream, stream->numbers.size()};  // what comes from now on
}
void lsl_destroy_inlet(void* inlet) { delete static_cast<Inlet*>(inlet); }
double lsl_time_correction(void*, double, int32_t* error) {
  MutexLock lock(TheWorld().mu);
  *error = 0;
  return -TheWorld().remote_ahead_s;
}
double lsl_pull_sample_d(void* handle, double* buffer, int32_t elements, double, int32_t* error) {
  auto* inlet = static_cast<Inlet*>(handle);
  MutexLock lock(TheWorld().mu);
  *error = 0;
  if (inlet->next < inlet->stream->numbers.size() && elements >= 1) {
    const auto& [value, at_s] = inlet->stream->numbers[inlet->next++];
    buffer[0] = value;
    return at_s;
  }
  if (!inlet->stream->alive) *error = attune::edge::kLslLost;
  return 0;
}

void stub_lsl_set_now(double now_s) {
  MutexLock lock(TheWorld().mu);
  TheWorld().now_s = now_s;
}
void stub_lsl_set_remote_ahead(double ahead_s) {
  MutexLock lock(TheWorld().mu);
  TheWorld().remote_ahead_s = ahead_s;
}
int32_t stub_lsl_pushed(const char* name, int32_t index, double* value, double* at_s, char* words,
                        int32_t words_size) {
  MutexLock lock(TheWorld().mu);
  for (const auto& stream : TheWorld().streams) {
    if (stream->name != name) continue;
    const auto at = static_cast<size_t>(index);
    if (stream->format == attune::edge::kLslString) {
      if (at >= stream->words.size()) return 0;
      *at_s = stream->words[at].second;
      std::strncpy(words, stream->words[at].first.c_str(), static_cast<size_t>(words_size) - 1);
      return 1;
    }
    if (at >= stream->numbers.size()) return 0;
    *value = stream->numbers[at].first;
    *at_s = stream->numbers[at].second;
    std::strncpy(words, stream->unit.c_str(), static_cast<size_t>(words_size) - 1);
    return 1;
  }
  return 0;
}

}  // extern "C"
