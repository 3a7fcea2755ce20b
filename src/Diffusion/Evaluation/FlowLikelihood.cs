using System.Diagnostics;
using Diffusion.Integration;

namespace Diffusion.Evaluation;

/// <summary>
/// The exact likelihood of a diffusion or flow model as a continuous normalizing flow: data is taken along the probability-flow equation to noise, whose density is
/// known, while the divergence of the flow is integrated. Also the encoding of data as noise and its inverse. Settings only: immutable and thread-safe.
/// (Song et al. 2021, section 4.3 and appendix D.2; Chen et al. 2018)
/// </summary>
/// <remarks>
/// <para>The flow is integrated over the angle arctan(σ/α), in which every schedule has the same equation with a finite slope from data to noise.</para>
/// <para>
/// It starts at a small noise σ̂ = σ/α rather than at clean data, where no network is trained; the data is put there without noise. So the result is the
/// density of data plus noise of deviation σ̂, taken at the data: off by ½σ̂²·Δp/p, which vanishes as σ̂² and, on average over data of a perfect model, makes the likelihood less, never more.
/// At the other end see <see cref="Prior"/>.
/// </para>
/// <para>
/// The integral of the divergence divided by the root of the number of dimensions is one more number of the state, so a step's error of ln p is at most about the
/// tolerance for every number of a sample. The batch is one system: its samples share their steps.
/// </para>
/// </remarks>
/// <param name="tolerance">The tolerance; 1e-5 relative and absolute if null.</param>
/// <param name="method">The method; Dormand and Prince's if null.</param>
/// <exception cref="ArgumentException">The method does not estimate its error.</exception>
public sealed class FlowLikelihood(ErrorTolerance? tolerance = null, RungeKutta? method = null)
{
    private readonly AdaptiveIntegrator _integrator = new(method, tolerance);

    /// <summary>The tolerance.</summary>
    public ErrorTolerance Tolerance => _integrator.Tolerance;

    /// <summary>The method.</summary>
    public RungeKutta Method => _integrator.Method;

    /// <summary>
    /// How the divergence is computed. Default <see cref="Divergence.Hutchinson"/> with one Rademacher probe, drawn once a run: ln p is then right on average over probes. Where a
    /// sample has few numbers, <see cref="Divergence.Exact"/>.
    /// </summary>
    public Divergence Divergence { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = Divergence.Hutchinson();

    /// <summary>What the state at the noisy end is taken to be. Default <see cref="NoisePrior.Drawn"/>, which samplers start from.</summary>
    public NoisePrior Prior { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = NoisePrior.Drawn;

    /// <summary>
    /// σ/α where the flow starts, positive; the schedule's own least noise where that is more. Default 1e-3. A network that is told integer timesteps is asked between them below the first:
    /// start at that.
    /// </summary>
    public double LeastNoise
    {
        get;
        init => field = value > 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The least noise must be positive and finite.");
    } = 1e-3;

    /// <summary>
    /// σ/α where the flow ends, above <see cref="LeastNoise"/>; the schedule's own most noise where that is less. Default infinite. A network that predicts ε needs an end with α &gt; 0.
    /// </summary>
    public double MostNoise
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The most noise must be positive.");
    } = double.PositiveInfinity;

    /// <summary>
    /// Whether results shall be differentiable with respect to the data and to whatever the denoiser depends on. Default false: then nothing is recorded, whether or not gradients
    /// are enabled. It keeps the graph of the whole run.
    /// </summary>
    public bool Differentiable { get; init; }

    /// <summary>ln p(x₀) of a batch, and its latent. No parameter's gradient is touched.</summary>
    /// <param name="denoiser">What estimates the data; differentiable in its state.</param>
    /// <param name="x0">The data [batch, …], float32 or float64; borrowed.</param>
    /// <param name="noise">Where Hutchinson's probes come from; not used where the divergence is exact.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at before every evaluation.</param>
    /// <returns>Fresh tensors in the caller's scope.</returns>
    /// <exception cref="ArgumentException">x0 is not a floating batch, or the denoiser's schedule has no level between the two noises.</exception>
    /// <exception cref="InvalidOperationException">The estimate is not finite, cannot be differentiated, or no steps meet the tolerance.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public FlowDensity Evaluate(IDenoiser denoiser, Tensor x0, NoiseSource noise, IProgress<SamplingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(noise);
        CheckBatch(x0, nameof(x0));
        var (start, end) = Ends(denoiser.Schedule);
        var field = new FlowField(FlowVariable.Angle, denoiser.Schedule, start, end);
        using var gradients = Differentiable ? enable_grad() : no_grad();
        using var scope = NewDisposeScope();
        var probes = Divergence.Probes(x0, noise);
        var (batch, numbers) = (x0.shape[0], x0.numel() / x0.shape[0]);
        var root = Math.Sqrt(numbers);
        var y = field.Enter(x0.mul(start.Alpha), start).reshape(batch, numbers);
        var whole = cat([y, zeros([batch, 1], x0.dtype, x0.device)], 1);
        using var run = new Run(denoiser, field, progress, cancellationToken);
        whole = run.Integrate(_integrator, whole, field.From, field.To, (at, state) =>
        {
            var x = state.narrow(1, 0, numbers).reshape(x0.shape);
            using var recording = enable_grad();
            if (!x.requires_grad) x = x.detach().requires_grad_();
            var slope = run.Slope(at, x);
            var divergence = Divergence.Of(slope, x, probes, Differentiable);
            var both = cat([slope.reshape(batch, numbers), divergence.div(root).unsqueeze(1)], 1);
            return Differentiable ? both : both.detach();
        });
        var latent = field.Leave(whole.narrow(1, 0, numbers).reshape(x0.shape), end);
        var scale = numbers * (Math.Log(double.Hypot(end.Alpha, end.Sigma)) - Math.Log(double.Hypot(start.Alpha, start.Sigma)) + Math.Log(start.Alpha));
        var logDensity = Prior.LogDensity(latent, end) + whole.select(1, numbers).to(float64) * root + scale;
        return new FlowDensity(logDensity.MoveToOuterDisposeScope(), latent.MoveToOuterDisposeScope(), run.Evaluations);
    }

    /// <summary>The latent of data: the state at the noisy end that the flow takes it to. <see cref="Decode"/> is its inverse, to the tolerance.</summary>
    /// <inheritdoc cref="Evaluate" path="/param[@name!='noise']|/exception"/>
    /// <returns>A fresh tensor in the caller's scope, of the shape and type of x0.</returns>
    public Tensor Encode(IDenoiser denoiser, Tensor x0, IProgress<SamplingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        CheckBatch(x0, nameof(x0));
        var (start, end) = Ends(denoiser.Schedule);
        using var gradients = Differentiable ? enable_grad() : no_grad();
        using var scope = NewDisposeScope();
        return Walk(denoiser, x0.mul(start.Alpha), start, end, progress, cancellationToken).MoveToOuterDisposeScope();
    }

    /// <summary>The data that the flow takes to a latent.</summary>
    /// <param name="denoiser">What estimates the data.</param>
    /// <param name="latent">A state at the noisy end, as <see cref="Encode"/> returns it or <see cref="NoiseSchedule.DrawPrior"/> draws it; borrowed.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at before every evaluation.</param>
    /// <returns>A fresh tensor in the caller's scope, of the shape and type of the latent.</returns>
    /// <exception cref="ArgumentException">The latent is not a floating batch, or the denoiser's schedule has no level between the two noises.</exception>
    /// <exception cref="InvalidOperationException">The estimate is not finite, or no steps meet the tolerance.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public Tensor Decode(IDenoiser denoiser, Tensor latent, IProgress<SamplingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(denoiser);
        CheckBatch(latent, nameof(latent));
        var (start, end) = Ends(denoiser.Schedule);
        using var gradients = Differentiable ? enable_grad() : no_grad();
        using var scope = NewDisposeScope();
        return Walk(denoiser, latent, end, start, progress, cancellationToken).div(start.Alpha).MoveToOuterDisposeScope();
    }

    /// <summary>The levels between which the flow of a schedule is integrated.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <exception cref="ArgumentException">The schedule has no level between the two noises.</exception>
    public (NoiseLevel Start, NoiseLevel End) Ends(NoiseSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        var (least, most) = (schedule.At(0), schedule.At(1));
        if (!(least.NoiseToSignal < MostNoise && LeastNoise < most.NoiseToSignal && LeastNoise < MostNoise))
            throw new ArgumentException(
                $"The schedule's σ/α runs from {least.NoiseToSignal:g6} to {most.NoiseToSignal:g6}: there is nothing between {nameof(LeastNoise)} = {LeastNoise:g6} and {nameof(MostNoise)} = {MostNoise:g6}.",
                nameof(schedule));
        return (least.NoiseToSignal >= LeastNoise ? least : schedule.AtNoiseToSignal(LeastNoise), most.NoiseToSignal <= MostNoise ? most : schedule.AtNoiseToSignal(MostNoise));
    }

    private Tensor Walk(IDenoiser denoiser, Tensor x, NoiseLevel from, NoiseLevel to, IProgress<SamplingProgress>? progress, CancellationToken cancellation)
    {
        var field = new FlowField(FlowVariable.Angle, denoiser.Schedule, from, to);
        using var run = new Run(denoiser, field, progress, cancellation);
        return field.Leave(run.Integrate(_integrator, field.Enter(x, from), field.From, field.To, run.Slope), to);
    }

    private static void CheckBatch(Tensor x, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (x.dim() < 1 || x.numel() == 0 || x.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"{name} is {x.dtype} of shape [{string.Join(", ", x.shape)}]; Float32 or Float64 [batch, …] with at least one number is needed.", name);
    }

    // The denoiser of one run, with what callers are told.
    private sealed class Run(IDenoiser denoiser, FlowField field, IProgress<SamplingProgress>? progress, CancellationToken cancellation) : IDisposable
    {
        private readonly IDenoiser _fresh = denoiser.BeginRun();
        private readonly long _started = Stopwatch.GetTimestamp();
        private int _steps;

        public int Evaluations { get; private set; }

        // dy/ds at y, differentiable.
        public Tensor Slope(double s, Tensor y)
        {
            cancellation.ThrowIfCancellationRequested();
            Evaluations++;
            var at = field.At(s);
            var x = field.Leave(y, at.Level);
            return field.Slope(_fresh.Denoise(x, at), x, at.Level);
        }

        public Tensor Integrate(AdaptiveIntegrator integrator, Tensor state, double from, double to, Func<double, Tensor, Tensor> slope) =>
            integrator.Integrate(slope, state, from, to, (s, _) =>
            {
                _steps++;
                progress?.Report(new SamplingProgress(_steps, null, field.At(s).Level.LogSnr, Evaluations, Stopwatch.GetElapsedTime(_started)));
            }, cancellation);

        public void Dispose()
        {
            if (!ReferenceEquals(_fresh, denoiser)) (_fresh as IDisposable)?.Dispose();
        }
    }
}
