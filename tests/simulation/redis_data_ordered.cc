// Sorted sets and streams.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/simulation/redis_data.h"
#include "tests/simulation/redis_errors.h"

namespace attune::simulation {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

// "%.17g" as Redis writes scores of whole numbers and fractions alike.
std::string ScoreText(double score) {
  if (std::abs(score) < 1e15 && score == std::floor(score)) {
    return std::to_string(static_cast<int64_t>(score));
  }
  char text[64];
  const int size = snprintf(text, sizeof text, "%.17g", score);
  return std::string(text, static_cast<size_t>(size));
}

struct Bound {
  double score = 0;
  bool open = false;
};
std::optional<Bound> ParseBound(std::string text) {
  Bound bound;
  if (!text.empty() && text[0] == '(') {
    bound.open = true;
    text.erase(0, 1);
  }
  if (!absl::SimpleAtod(text, &bound.score) || std::isnan(bound.score)) return std::nullopt;
  return bound;
}
bool Within(double score, const Bound& low, const Bound& high) {
  return (low.open ? score > low.score : score >= low.score) &&
         (high.open ? score < high.score : score <= high.score);
}

// LEX: "-", "+", "[x" or "(x".
bool AtOrAbove(const std::string& member, const std::string& low) {
  if (low == "-") return true;
  if (low == "+") return false;
  return low[0] == '(' ? member > low.substr(1) : member >= low.substr(1);
}
bool AtOrBelow(const std::string& member, const std::string& high) {
  if (high == "+") return true;
  if (high == "-") return false;
  return high[0] == '(' ? member < high.substr(1) : member <= high.substr(1);
}

// "5" or "5-3"; without the second part it is `rest`.
std::optional<StreamId> ParseId(const std::string& text, uint64_t rest) {
  if (text == "-") return StreamId{0, 0};
  if (text == "+") return StreamId{kMost, kMost};
  const size_t dash = text.find('-');
  StreamId id{0, rest};
  if (!absl::SimpleAtoi(text.substr(0, dash), &id.ms)) return std::nullopt;
  if (dash != std::string::npos && !absl::SimpleAtoi(text.substr(dash + 1), &id.n)) {
    return std::nullopt;
  }
  return id;
}
// As ParseId, but neither end of everything.
std::optional<StreamId> ParseStrictId(const std::string& text) {
  if (text == "-" || text == "+") return std::nullopt;
  return ParseId(text, 0);
}
std::string IdText(const StreamId& id) { return absl::StrCat(id.ms, "-", id.n); }
Value BadId() { return Value::Error("ERR Invalid stream ID specified as stream command argument"); }

Value EntryValue(const StreamId& id, const std::vector<std::string>& fields) {
  Value inner = Value::Array();
  for (const std::string& field : fields) inner.elements.push_back(Value::Bulk(field));
  return Value::Array({Value::Bulk(IdText(id)), std::move(inner)});
}

}  // namespace

// ---- Sorted sets

Value RedisData::ZAdd(const Arguments& a) {
  bool only_new = false, only_old = false, greater = false, changed_too = false;
  size_t at = 2;
  for (; at < a.size(); ++at) {
    const std::string option = absl::AsciiStrToUpper(a[at]);
    if (option == "NX") {
      only_new = true;
    } else if (option == "XX") {
      only_old = true;
    } else if (option == "GT") {
      greater = true;
    } else if (option == "CH") {
      changed_too = true;
    } else {
      break;
    }
  }
  if (at == a.size() || (a.size() - at) % 2 != 0) return SyntaxError();
  if (only_new && (only_old || greater)) {
    return Value::Error(only_old ? "ERR XX and NX options at the same time are not compatible"
                                 : "ERR GT, LT, and/or NX options at the same time are not "
                                   "compatible");
  }
  for (size_t i = at; i < a.size(); i += 2) {
    double score = 0;
    if (!absl::SimpleAtod(a[i], &score) || std::isnan(score)) {
      return Value::Error("ERR value is not a valid float");
    }
  }
  bool wrong = false;
  SortedSet* set = As<SortedSet>(a[1], !only_old, wrong);
  if (wrong) return WrongType();
  int64_t count = 0;
  for (size_t i = at; set != nullptr && i < a.size(); i += 2) {
    double score = 0;
    (void)absl::SimpleAtod(a[i], &score);
    const auto old = set->score.find(a[i + 1]);
    if (old == set->score.end()) {
      if (only_old) continue;
      ++count;
    } else {
      if (only_new || (greater && score <= old->second)) continue;
      if (changed_too && old->second != score) ++count;
      set->order.erase({old->second, old->first});
    }
    set->score[a[i + 1]] = score;
    set->order.insert({score, a[i + 1]});
  }
  DropIfEmpty(a[1]);
  return Value::Integer(count);
}

Value RedisData::ZRem(const Arguments& a) {
  bool wrong = false;
  SortedSet* set = As<SortedSet>(a[1], false, wrong);
  if (wrong) return WrongType();
  int64_t removed = 0;
  for (size_t i = 2; set != nullptr && i < a.size(); ++i) {
    const auto old = set->score.find(a[i]);
    if (old == set->score.end()) continue;
    set->order.erase({old->second, old->first});
    set->score.erase(old);
    ++removed;
  }
  DropIfEmpty(a[1]);
  return Value::Integer(removed);
}

Value RedisData::ZScore(const Arguments& a) {
  bool wrong = false;
  const SortedSet* set = As<SortedSet>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (set == nullptr || !set->score.contains(a[2])) return Value::Nil();
  return Value::Bulk(ScoreText(set->score.at(a[2])));
}

Value RedisData::ZCard(const Arguments& a) {
  bool wrong = false;
  const SortedSet* set = As<SortedSet>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(set == nullptr ? 0 : static_cast<int64_t>(set->score.size()));
}

// By rank only; BYSCORE, BYLEX and REV are not used.
Value RedisData::ZRange(const Arguments& a) {
  int64_t from = 0, to = 0;
  if (!absl::SimpleAtoi(a[2], &from) || !absl::SimpleAtoi(a[3], &to)) return NotAnInteger();
  const bool scores = a.size() == 5 && absl::AsciiStrToUpper(a[4]) == "WITHSCORES";
  if (a.size() > 4 && !scores) return SyntaxError();
  bool wrong = false;
  const SortedSet* set = As<SortedSet>(a[1], false, wrong);
  if (wrong) return WrongType();
  Value found = Value::Array();
  if (set == nullptr) return found;
  const auto size = static_cast<int64_t>(set->order.size());
  if (from < 0) from = std::max<int64_t>(0, from + size);
  if (to < 0) to += size;
  int64_t rank = 0;
  for (const auto& [score, member] : set->order) {
    if (rank >= from && rank <= to) {
      found.elements.push_back(Value::Bulk(member));
      if (scores) found.elements.push_back(Value::Bulk(ScoreText(score)));
    }
    ++rank;
  }
  return found;
}

Value RedisData::ZRangeBy(const Arguments& a) {
  const bool lex = a[0] == "ZRANGEBYLEX";
  bool scores = false;
  int64_t skip = 0, most = -1;
  for (size_t i = 4; i < a.size(); ++i) {
    const std::string option = absl::AsciiStrToUpper(a[i]);
    if (option == "WITHSCORES" && !lex) {
      scores = true;
    } else if (option == "LIMIT" && i + 2 < a.size()) {
      if (!absl::SimpleAtoi(a[i + 1], &skip) || !absl::SimpleAtoi(a[i + 2], &most)) {
        return NotAnInteger();
      }
      i += 2;
    } else {
      return SyntaxError();
    }
  }
  const auto low = lex ? Bound{} : ParseBound(a[2]);
  const auto high = lex ? Bound{} : ParseBound(a[3]);
  if (!low || !high) return Value::Error("ERR min or max is not a float");
  const auto bad_lex = [](const std::string& text) {
    return text != "-" && text != "+" && (text.empty() || (text[0] != '[' && text[0] != '('));
  };
  if (lex && (bad_lex(a[2]) || bad_lex(a[3]))) {
    return Value::Error("ERR min or max not valid string range item");
  }
  bool wrong = false;
  const SortedSet* set = As<SortedSet>(a[1], false, wrong);
  if (wrong) return WrongType();
  Value found = Value::Array();
  if (set == nullptr || skip < 0) return found;
  for (const auto& [score, member] : set->order) {
    if (lex ? !AtOrAbove(member, a[2]) || !AtOrBelow(member, a[3]) : !Within(score, *low, *high)) {
      continue;
    }
    if (skip-- > 0) continue;
    if (most-- == 0) break;
    found.elements.push_back(Value::Bulk(member));
    if (scores) found.elements.push_back(Value::Bulk(ScoreText(score)));
  }
  return found;
}

Value RedisData::ZRemRangeByScore(const Arguments& a) {
  const auto low = ParseBound(a[2]);
  const auto high = ParseBound(a[3]);
  if (!low || !high) return Value::Error("ERR min or max is not a float");
  bool wrong = false;
  SortedSet* set = As<SortedSet>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (set == nullptr) return Value::Integer(0);
  int64_t removed = 0;
  for (auto at = set->order.begin(); at != set->order.end();) {
    if (Within(at->first, *low, *high)) {
      set->score.erase(at->second);
      at = set->order.erase(at);
      ++removed;
    } else {
      ++at;
    }
  }
  DropIfEmpty(a[1]);
  return Value::Integer(removed);
}

// ---- Streams

// Exact trimming only: with `~` it is the server's inner layout that decides.
int64_t RedisData::Trim(Stream& stream, const std::string& how, const std::string& threshold) {
  int64_t trimmed = 0;
  uint64_t most = 0;
  const auto id = ParseId(threshold, 0);
  if (how == "MAXLEN" ? !absl::SimpleAtoi(threshold, &most) : !id.has_value()) return -1;
  while (!stream.entries.empty() &&
         (how == "MAXLEN" ? stream.entries.size() > most : stream.entries.begin()->first < *id)) {
    stream.entries.erase(stream.entries.begin());
    ++trimmed;
  }
  return trimmed;
}

Value RedisData::XAdd(const Arguments& a) {
  bool make = true;
  std::string how, threshold;
  size_t at = 2;
  for (; at < a.size(); ++at) {
    const std::string option = absl::AsciiStrToUpper(a[at]);
    if (option == "NOMKSTREAM") {
      make = false;
    } else if ((option == "MAXLEN" || option == "MINID") && at + 1 < a.size() && a[at + 1] != "~") {
      how = option;
      if (a[++at] == "=") ++at;
      threshold = a[at];
    } else {
      break;
    }
  }
  if (at >= a.size() || a.size() - at < 3 || (a.size() - at) % 2 == 0) {
    return Value::Error("ERR wrong number of arguments for 'xadd' command");
  }
  const std::string& wanted = a[at];
  std::optional<StreamId> id;
  const bool any = wanted == "*";
  const bool next = !any && wanted.ends_with("-*");
  if (next) {
    id = ParseId(wanted.substr(0, wanted.size() - 2), 0);
  } else if (!any) {
    id = ParseId(wanted, 0);
  }
  if (!any && (!id || wanted == "-" || wanted == "+")) return BadId();
  if (!any && !next && *id == StreamId{0, 0}) {
    return Value::Error("ERR The ID specified in XADD must be greater than 0-0");
  }
  bool wrong = false;
  const bool fresh = Find(a[1]) == nullptr;
  if (fresh && !make) return Value::Nil();
  Stream* stream = As<Stream>(a[1], true, wrong);
  if (wrong) return WrongType();
  if (any) {
    id = StreamId{static_cast<uint64_t>(now_us_ / 1000), 0};
    if (*id <= stream->last) id = StreamId{stream->last.ms, stream->last.n + 1};
  } else if (next && id->ms == stream->last.ms) {
    id->n = stream->last.n + 1;
  }
  if (*id <= stream->last) {
    if (fresh) keys_.erase(a[1]);
    return Value::Error(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item");
  }
  stream->entries.emplace(*id,
                          std::vector<std::string>(a.begin() + static_cast<long>(at) + 1, a.end()));
  stream->last = *id;
  ++stream->added;
  if (!how.empty() && Trim(*stream, how, threshold) < 0) return NotAnInteger();
  return Value::Bulk(IdText(*id));
}

Value RedisData::XLen(const Arguments& a) {
  bool wrong = false;
  const Stream* stream = As<Stream>(a[1], false, wrong);
  if (wrong) return WrongType();
  return Value::Integer(stream == nullptr ? 0 : static_cast<int64_t>(stream->entries.size()));
}

Value RedisData::XRange(const Arguments& a) {
  const bool back = a[0] == "XREVRANGE";
  std::string from = back ? a[3] : a[2];
  std::string to = back ? a[2] : a[3];
  const bool open_from = !from.empty() && from[0] == '(';
  const bool open_to = !to.empty() && to[0] == '(';
  auto low = ParseId(open_from ? from.substr(1) : from, 0);
  auto high = ParseId(open_to ? to.substr(1) : to, kMost);
  if (!low || !high) return BadId();
  int64_t count = -1;
  if (a.size() != 4) {
    if (a.size() != 6 || absl::AsciiStrToUpper(a[4]) != "COUNT") return SyntaxError();
    if (!absl::SimpleAtoi(a[5], &count)) return NotAnInteger();
    count = std::max<int64_t>(count, 0);
  }
  bool wrong = false;
  const Stream* stream = As<Stream>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (stream == nullptr) return Value::Array();
  if (count == 0) return {.kind = Value::Kind::kNilArray};
  std::vector<Value> found;
  for (const auto& [id, fields] : stream->entries) {
    if (id < *low || id > *high || (open_from && id == *low) || (open_to && id == *high)) continue;
    found.push_back(EntryValue(id, fields));
    if (!back && static_cast<int64_t>(found.size()) == count) break;
  }
  if (back) {
    std::reverse(found.begin(), found.end());
    if (count > 0 && static_cast<int64_t>(found.size()) > count) {
      found.resize(static_cast<size_t>(count));
    }
  }
  return Value::Array(std::move(found));
}

Value RedisData::XDel(const Arguments& a) {
  bool wrong = false;
  Stream* stream = As<Stream>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (stream == nullptr) return Value::Integer(0);
  int64_t deleted = 0;
  for (size_t i = 2; i < a.size(); ++i) {
    const auto id = ParseStrictId(a[i]);
    if (!id) return BadId();
    if (stream->entries.erase(*id) > 0) {
      stream->max_deleted = std::max(stream->max_deleted, *id);
      ++deleted;
    }
  }
  return Value::Integer(deleted);
}

Value RedisData::XTrim(const Arguments& a) {
  const std::string how = absl::AsciiStrToUpper(a[2]);
  const bool exact = a.size() == 5 && a[3] == "=";
  if ((how != "MAXLEN" && how != "MINID") || (a.size() != 4 && !exact)) return SyntaxError();
  uint64_t most = 0;
  if (how == "MAXLEN" && !absl::SimpleAtoi(a.back(), &most)) return NotAnInteger();
  if (how == "MINID" && !ParseStrictId(a.back())) return BadId();
  bool wrong = false;
  Stream* stream = As<Stream>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (stream == nullptr) return Value::Integer(0);
  return Value::Integer(Trim(*stream, how, a.back()));
}

Value RedisData::XSetId(const Arguments& a) {
  if (a.size() != 3) return SyntaxError();
  const auto id = ParseStrictId(a[2]);
  if (!id) return BadId();
  bool wrong = false;
  Stream* stream = As<Stream>(a[1], false, wrong);
  if (wrong) return WrongType();
  if (stream == nullptr) return Value::Error("ERR no such key");
  if (!stream->entries.empty() && *id < stream->entries.rbegin()->first) {
    return Value::Error(
        "ERR The ID specified in XSETID is smaller than the target stream top item");
  }
  stream->last = *id;
  return Value::Status("OK");
}

// STREAM only; what tells of the server's memory layout is left out, so its answers are read by
// name.
Value RedisData::XInfo(const Arguments& a) {
  if (a.size() != 3 || absl::AsciiStrToUpper(a[1]) != "STREAM") return SyntaxError();
  bool wrong = false;
  const Stream* stream = As<Stream>(a[2], false, wrong);
  if (wrong) return WrongType();
  if (stream == nullptr) return Value::Error("ERR no such key");
  const auto count = [](uint64_t n) { return Value::Integer(static_cast<int64_t>(n)); };
  const auto& entries = stream->entries;
  std::vector<Value> all = {Value::Bulk("length"),
                            count(entries.size()),
                            Value::Bulk("last-generated-id"),
                            Value::Bulk(IdText(stream->last)),
                            Value::Bulk("max-deleted-entry-id"),
                            Value::Bulk(IdText(stream->max_deleted)),
                            Value::Bulk("entries-added"),
                            count(stream->added),
                            Value::Bulk("recorded-first-entry-id"),
                            Value::Bulk(entries.empty() ? "0-0" : IdText(entries.begin()->first)),
                            Value::Bulk("groups"),
                            Value::Integer(0),
                            Value::Bulk("first-entry"),
                            Value::Nil(),
                            Value::Bulk("last-entry"),
                            Value::Nil()};
  if (!entries.empty()) {
    all[13] = EntryValue(entries.begin()->first, entries.begin()->second);
    all[15] = EntryValue(entries.rbegin()->first, entries.rbegin()->second);
  }
  return Value::Array(std::move(all));
}

}  // namespace attune::simulation
