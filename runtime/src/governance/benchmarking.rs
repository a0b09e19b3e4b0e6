//! What the calls cost.

use alloc::boxed::Box;

use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;

use super::*;

/// The longest call that is measured, half a megabyte. What is longer has to fit a block's length.
const MAX_LEN: u32 = 512 * 1024;

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn enact(l: Linear<0, MAX_LEN>) -> Result<(), BenchmarkError> {
        let origin = T::EnactOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must decide"))?;
        let remark = frame_system::Call::remark {
            remark: alloc::vec![1; l as usize],
        };

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, Box::new(remark.into()));

        assert_eq!(NextIndex::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn cancel() -> Result<(), BenchmarkError> {
        let origin = T::EnactOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must decide"))?;
        let remark = frame_system::Call::remark {
            remark: alloc::vec![1; 1_024],
        };
        Pallet::<T>::enact(origin, Box::new(remark.into()))?;
        let origin = T::CancelOrigin::try_successful_origin()
            .map_err(|()| BenchmarkError::Stop("somebody must cancel"))?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, 0);

        Ok(())
    }
}
