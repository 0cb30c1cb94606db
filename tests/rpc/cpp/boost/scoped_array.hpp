// As beside: of Boost, what the headers of Apache Thrift use.
#ifndef PIE_TESTS_SCOPED_ARRAY
#define PIE_TESTS_SCOPED_ARRAY

#include <memory>

namespace boost {

template <class T> class scoped_array : public std::unique_ptr<T[]> {
public:
    using std::unique_ptr<T[]>::unique_ptr;
};

} // namespace boost

#endif
