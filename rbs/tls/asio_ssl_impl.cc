// The one translation unit that holds Boost.Asio's TLS itself (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/ssl/impl/src.hpp>
