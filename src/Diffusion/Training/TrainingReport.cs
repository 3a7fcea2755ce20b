namespace Diffusion.Training;

/// <summary>
/// Gathers what is reported between two reports. Sums stay on the device; only <see cref="Send"/> waits for it, and on the CPU, where
/// looking costs nothing, <see cref="ThrowIfNotFinite"/>.
/// </summary>
internal sealed class TrainingReport : IDisposable
{
    private readonly Tensor _gradientNorm; // the optimizer's, borrowed
    private readonly Tensor _loss; // sum over the steps since the last report
    private long _samples;
    private int _steps;
    private long _firstStep = -1; // since the last look
    private double _rate;
    private TimeSpan _since;

    public TrainingReport(Tensor gradientNorm)
    {
        _gradientNorm = gradientNorm;
        using var gradients = no_grad();
        _loss = zeros_like(gradientNorm).DetachFromDisposeScope();
    }

    public void Restart(TimeSpan elapsed)
    {
        using var gradients = no_grad();
        _loss.fill_(0);
        (_samples, _steps, _firstStep, _since) = (0, 0, -1, elapsed);
    }

    /// <summary>Adds a part of a step: a loss that is divided by the number of parts already.</summary>
    public void Add(Tensor loss, long samples)
    {
        using var gradients = no_grad();
        _loss.add_(loss);
        _samples += samples;
    }

    public void Count(double rate) => (_steps, _rate) = (_steps + 1, rate);

    /// <summary>Looks whether all numbers since the last look were finite, where looking is free.</summary>
    public void ThrowIfNotFinite(long step)
    {
        if (_firstStep < 0) _firstStep = step;
        if (_loss.device_type == DeviceType.CPU) Look();
    }

    public void Send(TrainingRun run, IProgress<TrainingProgress>? progress)
    {
        if (run.Settings.NonFinite == NonFinitePolicy.Stop) Look();
        if (progress is not null && _steps > 0)
        {
            var elapsed = run.Elapsed;
            using var loss = _loss.to(float64);
            using var norm = _gradientNorm.to(float64);
            var total = run.TotalSteps;
            var spent = (elapsed - _since).TotalSeconds;
            progress.Report(new TrainingProgress(
                run.Step, run.Settings.Steps, loss.item<double>() / _steps, norm.item<double>(), _rate, spent > 0 ? _samples / spent : 0, elapsed,
                double.IsFinite(total) ? elapsed * (Math.Max(total - run.Step, 0) / run.Step) : null));
        }

        Restart(run.Elapsed);
    }

    public void Dispose() => _loss.Dispose();

    private void Look()
    {
        using var scope = NewDisposeScope();
        var (loss, norm) = (_loss.to(float64).item<double>(), _gradientNorm.to(float64).item<double>());
        var first = _firstStep;
        _firstStep = -1;
        if (double.IsFinite(loss) && double.IsFinite(norm)) return;
        throw new TrainingDivergedException(first, $"Training broke down at step {first}: the loss is {(double.IsFinite(loss) ? "finite" : loss)}, the norm of its gradient {norm}. The weights are those before that step.");
    }
}
