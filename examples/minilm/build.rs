fn main() {
    pycandle_build::compile()
}
