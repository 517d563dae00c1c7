# Builds for 64-bit ARM on another Linux with Debian's cross compiler, and runs what is built in qemu:
#   cmake -S . -B build-arm --toolchain cmake/aarch64-linux-gnu.cmake -DLONGHAND_BUILD_CLI=OFF
# The program is left out because libedit would have to be there for ARM. Libraries of headers serve every
# machine, but CMake looks for them under this one's name.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
foreach(package xsimd fmt)
  set(${package}_DIR /usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/cmake/${package})
endforeach()
