// Several people's samples side by side: [person][sample], all the same length; finite
// where nothing else is said.
#ifndef ATTUNE_SERVICES_SYNCHRONY_GROUP_TABLE_H_
#define ATTUNE_SERVICES_SYNCHRONY_GROUP_TABLE_H_

#include <cstddef>
#include <vector>

namespace attune::synchrony {

using Table = std::vector<std::vector<double>>;

inline size_t Samples(const Table& people) { return people.empty() ? 0 : people[0].size(); }

// Each person minus their mean, over their standard deviation (ddof 0). False, and *people of no
// use, when somebody does not vary.
bool Standardise(Table* people);

// Each person's least-squares line taken out.
void RemoveLines(Table* people);

// The same where samples may be NaN: the line over those that are there.
void RemoveLinesOverGaps(Table* people);

// Person i's samples turned round the circle: sample t becomes what was at t - shifts[i].
// 0 <= shifts[i] < samples; shifts has one element per person.
Table Shifted(const Table& people, const int* shifts);

// Every `step`th sample, from the first on.
Table Decimated(const Table& people, size_t step);

}  // namespace attune::synchrony

#endif  // ATTUNE_SERVICES_SYNCHRONY_GROUP_TABLE_H_
