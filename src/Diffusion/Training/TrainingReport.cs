using Diffusion.Data;

namespace Diffusion.Training;

/// <summary>
/// Gathers what is reported between two reports. On the CPU, where looking is free, every step is looked at as it ends. On another device its
/// numbers stay there, and are fetched together when a report is due, so that no step waits.
/// </summary>
internal sealed class TrainingReport : IDisposable
{
    private const int MostPending = 256; // steps whose numbers stay on the device however rare reports are: a bound on memory

    private readonly Tensor _gradientNorm; // the optimizer's, borrowed
    private readonly Func<long, LoaderPosition, double, double, NonFiniteStep> _explain;
    private readonly bool _stops, _looksAtOnce;
    private readonly LossBuckets _buckets;
    private readonly List<StepNumbers> _pending = [];
    private double _loss, _norm, _rate; // the sum over finite steps; those of the last step
    private int _finite, _skipped;
    private long _samples;
    private NonFiniteStep? _first;
    private TimeSpan _since;

    /// <param name="settings">How often, and by which levels.</param>
    /// <param name="gradientNorm">Where the optimizer leaves the norm of each step; borrowed.</param>
    /// <param name="explain">Finds out where in a step (its number, the loader's position, its loss and norm) the trouble began.</param>
    /// <param name="looksAtOnce">Whether every step is looked at as it ends; null where that is free.</param>
    public TrainingReport(TrainingSettings settings, Tensor gradientNorm, Func<long, LoaderPosition, double, double, NonFiniteStep> explain, bool? looksAtOnce = null)
    {
        _looksAtOnce = looksAtOnce ?? gradientNorm.device_type == DeviceType.CPU;
        (_gradientNorm, _explain, _stops) = (gradientNorm, explain, settings.NonFinite == NonFinitePolicy.Stop);
        _buckets = new LossBuckets(settings.LossBuckets, settings.LossFloor);
    }

    public void Restart(TimeSpan elapsed)
    {
        Forget();
        _buckets.Clear();
        (_loss, _finite, _skipped, _samples, _first, _since) = (0, 0, 0, 0, null, elapsed);
    }

    /// <summary>A step begins, at a position of the loader.</summary>
    /// <exception cref="TrainingDivergedException">So many steps are pending that they are looked at now, one was not finite, and the settings say to stop.</exception>
    public void Begin(long step, LoaderPosition position)
    {
        if (_pending is [.., { Norm: null }]) RemoveLast(); // an attempt that ended in an exception
        if (_pending.Count >= MostPending) Look(); // here rather than at the end, where the step would be half recorded
        _pending.Add(new StepNumbers(step, position));
    }

    /// <summary>Adds a part of the step.</summary>
    public void Add(LossTerms terms, long samples)
    {
        _pending[^1].Add(terms);
        _samples += samples;
    }

    /// <summary>The step ends: the optimizer has gone on, or left it out.</summary>
    /// <exception cref="TrainingDivergedException">A number was not finite, it was looked at, and the settings say to stop.</exception>
    public void End(double rate)
    {
        _rate = rate;
        _pending[^1].End(_gradientNorm);
        if (_looksAtOnce) Look();
    }

    /// <summary>Looks at what is pending, tells it, and starts anew.</summary>
    /// <inheritdoc cref="End" path="/exception"/>
    public void Send(TrainingRun run, IProgress<TrainingProgress>? progress)
    {
        Look();
        Tell(run, progress);
        Restart(run.Elapsed);
    }

    /// <summary>Tells what has been looked at.</summary>
    public void Tell(TrainingRun run, IProgress<TrainingProgress>? progress)
    {
        if (progress is null || _finite + _skipped == 0) return;
        var elapsed = run.Elapsed;
        var spent = (elapsed - _since).TotalSeconds;
        var total = run.TotalSteps;
        progress.Report(new TrainingProgress(
            run.Step, run.Settings.Steps, _finite > 0 ? _loss / _finite : double.NaN, _norm, _rate, spent > 0 ? _samples / spent : 0, elapsed,
            double.IsFinite(total) && run.Step > 0 ? elapsed * (Math.Max(total - run.Step, 0) / run.Step) : null)
        {
            Buckets = _buckets.Means(),
            Skipped = _skipped,
            NonFinite = _first,
        });
    }

    public void Dispose() => Forget();

    private void Look()
    {
        while (_pending.Count > 0)
        {
            var step = _pending[0];
            var (loss, norm) = step.Read();
            _norm = norm;
            if (double.IsFinite(loss) && double.IsFinite(norm))
            {
                (_loss, _finite) = (_loss + loss, _finite + 1);
                step.ReadSamples(_buckets);
            }
            else
            {
                _skipped++;
                _first ??= _explain(step.Step, step.Position, loss, norm); // one a report: it costs as much as a step
            }

            step.Dispose();
            _pending.RemoveAt(0);
            if (_stops && _first is { } failure) throw new TrainingDivergedException(failure);
        }
    }

    private void Forget()
    {
        while (_pending.Count > 0) RemoveLast();
    }

    private void RemoveLast()
    {
        _pending[^1].Dispose();
        _pending.RemoveAt(_pending.Count - 1);
    }
}
