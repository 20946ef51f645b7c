#include <portpool/port_set.hpp>

#include "text.hpp"

#include <portpool/errors.hpp>

#include <algorithm>
#include <charconv>
#include <ostream>

namespace portpool {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Cuts `text` at the first `separator`: returns what is before it and leaves what is after it.
std::string_view cutAt(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

[[noreturn]] void reject(std::string_view source, std::string_view token,
                         std::string_view complaint) {
  constexpr std::size_t kLongest = 40;
  throw PortSpecificationError(
      std::string(source) + ": \"" + printable(token, kLongest) + "\" " + std::string(complaint) +
      "; give ports from 1 to 65535 and ranges of them, separated by commas or line ends, like "
      "20000-20999,30000");
}

std::uint16_t parsePort(std::string_view number, std::string_view token, std::string_view source) {
  const bool digits = !number.empty() && std::all_of(number.begin(), number.end(),
                                                     [](char c) { return '0' <= c && c <= '9'; });
  if (!digits) reject(source, token, "is neither a port nor a range of ports");
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (error != std::errc() || port == 0) reject(source, token, "is not from 1 to 65535");
  return port;
}

PortRange parseRange(std::string_view token, std::string_view source) {
  std::string_view rest = token;
  const auto first = parsePort(trim(cutAt(rest, '-')), token, source);
  if (token.find('-') == std::string_view::npos) return {first, first};
  const auto last = parsePort(trim(rest), token, source);
  if (last < first) reject(source, token, "is a range that ends before it begins");
  return {first, last};
}

}  // namespace

PortSet::PortSet(std::initializer_list<PortRange> ranges) {
  for (const auto& range : ranges) insert(range);
}

bool PortSet::empty() const { return ranges_.empty(); }

std::size_t PortSet::size() const {
  std::size_t size = 0;
  for (const auto& range : ranges_) size += range.last - range.first + std::size_t{1};
  return size;
}

bool PortSet::contains(std::uint16_t port) const {
  const auto range = std::lower_bound(ranges_.begin(), ranges_.end(), port,
                                      [](const PortRange& r, int p) { return r.last < p; });
  return range != ranges_.end() && range->first <= port;
}

void PortSet::insert(PortRange range) {
  if (range.first == 0 || range.last < range.first) {
    throw PortSpecificationError(
        std::to_string(range.first) + "-" + std::to_string(range.last) +
        " is not a range of ports; ports go from 1 to 65535, the lower one first");
  }
  // Those from `begin` to `end` touch the new range, and become one with it.
  const auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), range.first - 1,
                                      [](const PortRange& r, int p) { return r.last < p; });
  const auto end = std::upper_bound(begin, ranges_.end(), range.last + 1,
                                    [](int p, const PortRange& r) { return p < r.first; });
  if (begin != end) {
    range.first = std::min(range.first, begin->first);
    range.last = std::max(range.last, std::prev(end)->last);
  }
  ranges_.insert(ranges_.erase(begin, end), range);
}

void PortSet::insert(std::uint16_t port) { insert(PortRange{port, port}); }

PortSet& PortSet::operator|=(const PortSet& other) {
  if (this == &other) return *this;
  for (const auto& range : other.ranges_) insert(range);
  return *this;
}

PortSet& PortSet::operator&=(const PortSet& other) { return *this -= PortSet(*this) -= other; }

PortSet& PortSet::operator-=(const PortSet& other) {
  std::vector<PortRange> kept;
  auto cut = other.ranges_.begin();
  for (const auto& range : ranges_) {
    int next = range.first;  // the first port of `range` not yet decided
    while (cut != other.ranges_.end() && cut->last < next) ++cut;
    for (auto c = cut; c != other.ranges_.end() && c->first <= range.last; ++c) {
      if (next < c->first) {
        kept.push_back(
            {static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(c->first - 1)});
      }
      next = c->last + 1;
    }
    if (next <= range.last) kept.push_back({static_cast<std::uint16_t>(next), range.last});
  }
  ranges_ = std::move(kept);
  return *this;
}

PortSet operator|(PortSet a, const PortSet& b) { return a |= b; }
PortSet operator&(PortSet a, const PortSet& b) { return a &= b; }
PortSet operator-(PortSet a, const PortSet& b) { return a -= b; }
bool operator==(const PortSet& a, const PortSet& b) { return a.ranges() == b.ranges(); }
bool operator!=(const PortSet& a, const PortSet& b) { return !(a == b); }

PortSet::const_iterator PortSet::begin() const { return const_iterator(ranges_.data()); }

PortSet::const_iterator PortSet::end() const {
  return const_iterator(ranges_.data() + ranges_.size());
}

std::string PortSet::toString() const {
  std::string text;
  for (const auto& range : ranges_) {
    if (!text.empty()) text += ',';
    text += std::to_string(range.first);
    if (range.first != range.last) text += '-' + std::to_string(range.last);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const PortSet& ports) {
  return out << ports.toString();
}

PortSet parsePortSet(std::string_view text, std::string_view source) {
  PortSet ports;
  while (!text.empty()) {
    std::string_view line = cutAt(text, '\n');
    line = trim(cutAt(line, '#'));
    while (!line.empty()) {
      const bool isLast = line.find(',') == std::string_view::npos;
      ports.insert(parseRange(trim(cutAt(line, ',')), source));
      if (line.empty() && !isLast) reject(source, ",", "has nothing after it");
    }
  }
  return ports;
}

}  // namespace portpool
