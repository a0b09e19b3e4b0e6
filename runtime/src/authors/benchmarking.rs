//! What the call costs.

use super::*;
use frame_benchmarking::v2::*;
use frame_support::{traits::EnsureOrigin, BoundedVec};
use sp_runtime::traits::TrailingZeroInput;

#[benchmarks(where
    T: pallet_session::Config<ValidatorId = <T as frame_system::Config>::AccountId>,
)]
mod benches {
    use super::*;

    #[benchmark]
    fn set_authors(n: Linear<1, { T::MaxAuthors::get() }>) -> Result<(), BenchmarkError> {
        let root = <T as Config>::RootOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must be root"))?;
        let authors: Vec<T::AccountId> = (0..n).map(|index| account("author", index, 0)).collect();
        for author in &authors {
            let keys = T::Keys::decode(&mut TrailingZeroInput::zeroes())
                .map_err(|_| BenchmarkError::Stop("any bytes are keys"))?;
            pallet_session::NextKeys::<T>::insert(author, keys);
        }

        #[extrinsic_call]
        _(root as T::RuntimeOrigin, BoundedVec::truncate_from(authors));

        assert_eq!(Authors::<T>::get().len() as u32, n);
        Ok(())
    }
}
