// What a simulated Redis answers: RESP2 with all that the protocol tells apart.
#ifndef ATTUNE_TESTS_SIMULATION_REDIS_VALUE_H_
#define ATTUNE_TESTS_SIMULATION_REDIS_VALUE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "services/redis/reply.h"

namespace attune::simulation {

struct Value {
  enum class Kind { kStatus, kError, kInteger, kBulk, kNil, kNilArray, kArray };
  Kind kind = Kind::kNil;
  std::string text{};
  int64_t integer = 0;
  std::vector<Value> elements{};

  static Value Status(std::string text) { return {.kind = Kind::kStatus, .text = std::move(text)}; }
  static Value Error(std::string text) { return {.kind = Kind::kError, .text = std::move(text)}; }
  static Value Integer(int64_t n) { return {.kind = Kind::kInteger, .integer = n}; }
  static Value Bulk(std::string text) { return {.kind = Kind::kBulk, .text = std::move(text)}; }
  static Value Nil() { return {}; }
  static Value Array(std::vector<Value> elements = {}) {
    return {.kind = Kind::kArray, .elements = std::move(elements)};
  }
  bool error() const { return kind == Kind::kError; }
};

// The bytes that a real server sends.
std::string Resp(const Value& value);
// As the client hands it to its users.
redis::Reply ToReply(const Value& value);

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_REDIS_VALUE_H_
