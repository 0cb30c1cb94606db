// The one thing of Boost that the headers of Apache Thrift use, so that nobody has to install it all.
#ifndef PIE_TESTS_NUMERIC_CAST
#define PIE_TESTS_NUMERIC_CAST

#include <stdexcept>

namespace boost {

struct bad_numeric_cast : std::runtime_error {
    bad_numeric_cast() : std::runtime_error("a number that does not fit") {}
};

template <class To, class From> To numeric_cast(From number) {
    To made = static_cast<To>(number);
    if (static_cast<From>(made) != number || (made < To()) != (number < From())) {
        throw bad_numeric_cast();
    }
    return made;
}

} // namespace boost

#endif
