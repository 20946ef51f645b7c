#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_range.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)
namespace portpool {

/// A set of port numbers, kept as ranges. Iterates over the ports in ascending order.
/// A value type, with the thread safety of a standard container.
class PortSet {
 public:
  class const_iterator;
  using value_type = std::uint16_t;
  using iterator = const_iterator;

  PortSet() = default;

  /// The union of `ranges`. Throws PortSpecificationError as `insert` does.
  PortSet(std::initializer_list<PortRange> ranges);

  bool empty() const;
  std::size_t size() const;
  bool contains(std::uint16_t port) const;

  /// Adds every port of the range. Throws PortSpecificationError if the range contains port 0 or
  /// ends before it begins.
  void insert(PortRange range);
  void insert(std::uint16_t port);

  PortSet& operator|=(const PortSet& other);  ///< union
  PortSet& operator&=(const PortSet& other);  ///< intersection
  PortSet& operator-=(const PortSet& other);  ///< difference

  /// The maximal runs of consecutive ports, ascending.
  const std::vector<PortRange>& ranges() const { return ranges_; }

  const_iterator begin() const;
  const_iterator end() const;

  /// The set in the form that `parsePortSet` reads: "20000-20999,30000"; "" for the empty set.
  std::string toString() const;

 private:
  std::vector<PortRange> ranges_{};  // ascending, disjoint, and never adjacent
};

PortSet operator|(PortSet a, const PortSet& b);
PortSet operator&(PortSet a, const PortSet& b);
PortSet operator-(PortSet a, const PortSet& b);
bool operator==(const PortSet& a, const PortSet& b);
bool operator!=(const PortSet& a, const PortSet& b);

class PortSet::const_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = std::uint16_t;
  using difference_type = std::ptrdiff_t;
  using pointer = const std::uint16_t*;
  using reference = std::uint16_t;

  const_iterator() = default;

  std::uint16_t operator*() const { return static_cast<std::uint16_t>(range_->first + offset_); }
  const_iterator& operator++() {
    if (range_->first + offset_ == range_->last) {
      ++range_;
      offset_ = 0;
    } else {
      ++offset_;
    }
    return *this;
  }
  const_iterator operator++(int) {
    const_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const const_iterator& a, const const_iterator& b) {
    return a.range_ == b.range_ && a.offset_ == b.offset_;
  }
  friend bool operator!=(const const_iterator& a, const const_iterator& b) { return !(a == b); }

 private:
  friend class PortSet;
  explicit const_iterator(const PortRange* range) : range_(range) {}

  const PortRange* range_ = nullptr;
  std::uint32_t offset_ = 0;
};

/// Writes `ports.toString()`.
std::ostream& operator<<(std::ostream& out, const PortSet& ports);

/// Reads ports (1 to 65535) and ranges ("20000-20999", both ends included), separated by commas or
/// line ends. Blanks around numbers, empty lines, repeated ports, and comments from '#' to the end
/// of the line are allowed; CRLF is a line end. An empty text is the empty set. Throws
/// PortSpecificationError, naming `source` and the offending token, for anything else. Thread-safe.
/// This is how PySys reads PYSYS_PORTS and PYSYS_PORTS_FILE.
PortSet parsePortSet(std::string_view text, std::string_view source = "port set");

}  // namespace portpool
#pragma GCC visibility pop
