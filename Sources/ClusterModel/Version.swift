/// The version of Muster that this is: what `muster --version` prints, and what an agent says of itself.
package let musterVersion = "0.1.0"
