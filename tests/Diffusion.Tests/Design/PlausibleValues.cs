using System.Reflection;
using Diffusion.Checkpoints;
using Diffusion.Checkpoints.Schedulers;
using Diffusion.Data;
using Diffusion.Denoisers;
using Diffusion.Evaluation;
using Diffusion.Imaging;
using Diffusion.Integration;
using Diffusion.Networks;
using Diffusion.Operators;
using Diffusion.Samplers;
using Diffusion.Schedules;
using Diffusion.Training;

namespace Diffusion.Tests.Design;

/// <summary>A harmless value for a parameter, so that one bad argument stands alone.</summary>
internal sealed class PlausibleValues(string folder)
{
    private static readonly VariancePreservingSchedule Schedule = new();

    public bool TryMake(ParameterInfo parameter, out object? value)
    {
        if (parameter.HasDefaultValue)
        {
            var type = parameter.ParameterType;
            value = parameter.DefaultValue ?? (type.IsValueType && Nullable.GetUnderlyingType(type) is null ? Activator.CreateInstance(type) : null);
            return true;
        }

        return TryMake(parameter.ParameterType, out value);
    }

    public bool TryMake(Type type, out object? value)
    {
        value = Make(Nullable.GetUnderlyingType(type) ?? type);
        if (value is not null) return true;
        // A delegate's own constructor takes an address, which must not be guessed.
        var constructor = type.IsAbstract || type.IsArray || typeof(Delegate).IsAssignableFrom(type) ? null : type.GetConstructors().OrderBy(c => c.GetParameters().Length).FirstOrDefault();
        if (constructor is null || constructor.GetParameters().Any(p => p.ParameterType.IsByRefLike || p.ParameterType.IsByRef || p.ParameterType == type)) return false;
        var arguments = new object?[constructor.GetParameters().Length];
        for (var i = 0; i < arguments.Length; i++)
            if (!TryMake(constructor.GetParameters()[i], out arguments[i])) return false;
        try
        {
            value = constructor.Invoke(arguments);
            return true;
        }
        catch (TargetInvocationException)
        {
            return false; // what is plausible in general is not for this one; it is tested by hand
        }
    }

    private object? Make(Type type)
    {
        if (type == typeof(double)) return 0.5;
        if (type == typeof(float)) return 0.5f;
        if (type == typeof(int)) return 8;
        if (type == typeof(long)) return 8L;
        if (type == typeof(bool)) return false;
        if (type == typeof(string)) return Path.Combine(folder, "file.png");
        if (type == typeof(TimeSpan)) return TimeSpan.FromSeconds(1);
        if (type == typeof(CancellationToken)) return CancellationToken.None;
        if (type == typeof(Device)) return CPU;
        if (type == typeof(ScalarType)) return ScalarType.Float32;
        if (type == typeof(Tensor)) return zeros(2, 3, 8, 8);
        if (type == typeof(NoiseLevel)) return Schedule.At(0.5);
        if (type == typeof(NoisePoint)) return (NoisePoint)Schedule.At(0.5);
        if (type == typeof(GridStep)) return new GridStep(Schedule.At(0.5), Schedule.At(0.4));
        if (type == typeof(NoiseSchedule)) return Schedule;
        if (type == typeof(Parameterization)) return Parameterization.V();
        if (type == typeof(NoiseLabel)) return NoiseLabel.Default;
        if (type == typeof(TimeGrid)) return TimeGrid.Uniform(Schedule, 4);
        if (type == typeof(NoiseSource)) return NoiseSource.FromSeed(0);
        if (type == typeof(IDenoiser)) return new GaussianDenoiser(Schedule);
        if (type == typeof(Estimate)) return new Estimate(zeros(2, 3, 8, 8));
        if (type == typeof(Sampler)) return new DdimSampler();
        if (type == typeof(Conditioning)) return new Conditioning { ClassLabels = zeros(2, int64), NullClass = 3 };
        if (type == typeof(UNetConfig)) return UNetPresets.ForImages(3, 8, 0, 8);
        if (type == typeof(ConditionalUNetConfig)) return new ConditionalUNetConfig { BlockOutChannels = [8, 8, 8, 8], NormNumGroups = 4, AttentionHeads = [2], CrossAttentionDim = [4] };
        if (type == typeof(DenoisingNetwork) || type == typeof(nn.Module)) return new UNet(UNetPresets.ForImages(3, 8, 0, 8));
        if (type == typeof(DataSet)) return new ShapesDataSet(0, 8, 100);
        if (type == typeof(DataLoader)) return new DataLoader(new ShapesDataSet(0, 8, 100), 2, new DataLoaderOptions { Prefetch = 0 });
        if (type == typeof(TrainingObjective)) return new DenoisingObjective(Schedule, Parameterization.V());
        if (type == typeof(IProgress<TrainingProgress>)) return new Progress<TrainingProgress>();
        if (type == typeof(IReadOnlyList<LossBucket>)) return Array.Empty<LossBucket>();
        if (type == typeof(LossWeighting)) return LossWeighting.Simple;
        if (type == typeof(TimeDistribution)) return TimeDistribution.Uniform();
        if (type == typeof(UpdateRule)) return UpdateRule.AdamW();
        if (type == typeof(AveragingRule)) return AveragingRule.Constant(0.9);
        if (type == typeof(ModelDescription)) return new ModelDescription(Schedule, Parameterization.V(), 3, 8, 8);
        if (type == typeof(double[])) return new[] { 0.5, 0.25 };
        if (type == typeof(long[])) return new long[] { 3, 8, 8 };
        if (type == typeof(double[,])) return new[,] { { 0.5 } };
        if (type == typeof(Func<double, double>)) return (Func<double, double>)(x => 1 - 0.5 * x);
        if (type == typeof(Func<Tensor, Tensor>)) return (Func<Tensor, Tensor>)(t => t.alias());
        if (type == typeof(Func<double, Tensor, Tensor>)) return (Func<double, Tensor, Tensor>)((s, y) => y.mul(-s));
        if (type == typeof(Func<Tensor, int, Tensor>)) return (Func<Tensor, int, Tensor>)((t, _) => t.alias());
        if (type == typeof(Func<Tensor, double, Tensor>)) return (Func<Tensor, double, Tensor>)((t, _) => t.alias());
        if (type == typeof(Func<int, double>)) return (Func<int, double>)(_ => 0.5);
        if (type == typeof(LinearOperator)) return new DownsamplingOperator(2);
        if (type == typeof(Divergence)) return Divergence.Exact;
        if (type == typeof(ScoreMatching)) return ScoreMatching.Explicit;
        if (type == typeof(IReadOnlyList<double>)) return new[] { 0.5, 0.25 };
        if (type == typeof(IReadOnlyList<long>)) return new long[] { 3, 8, 8 };
        if (type == typeof(LatentNoise)) return LatentNoise.Constant(0.1);
        if (type == typeof(GuidanceRule)) return GuidanceRule.Linear(2);
        if (type == typeof(RungeKutta)) return RungeKutta.Heun;
        if (type == typeof(GaussianMixture)) return GaussianMixture.Uniform(new[,] { { 0.5, 0.5 } }, 1);
        if (type == typeof(IReadOnlyList<RestartInterval>)) return new[] { new RestartInterval(0.1, 1, 2) };
        if (type == typeof(RestartInterval)) return new RestartInterval(0.1, 1, 2);
        if (type == typeof(IReadOnlyList<WeightedCondition>)) return new[] { new WeightedCondition(new GaussianDenoiser(Schedule), 1) };
        if (type == typeof(IReadOnlyDictionary<ConditionParts, double>)) return new Dictionary<ConditionParts, double> { [ConditionParts.Class] = 0.1 };
        if (type == typeof(IEnumerable<(string, Tensor)>)) return new[] { ("x", zeros(2)) };
        if (type == typeof(Func<Tensor, NoisePoint, Tensor>)) return (Func<Tensor, NoisePoint, Tensor>)((x, _) => x.flatten(1).sum([1L]));
        if (type == typeof(Func<NoiseLevel, double>)) return (Func<NoiseLevel, double>)(_ => 0.1);
        if (type == typeof(Func<Conditioning, IDenoiser>)) return (Func<Conditioning?, IDenoiser>)(_ => new GaussianDenoiser(Schedule));
        if (type == typeof(Func<string, TrainingSettings>)) return (Func<string, TrainingSettings>)(_ => new TrainingSettings { Steps = 1 });
        if (type == typeof(TensorFile) || type == typeof(SafetensorsFile)) return Weights();
        if (type == typeof(SchedulerConfig)) return SchedulerConfig.Parse("""{"_class_name":"DDIMScheduler","num_train_timesteps":10}""");
        if (type == typeof(SchedulerPlan)) return SchedulerConfig.Parse("""{"_class_name":"DDIMScheduler","num_train_timesteps":10}""").Plan();
        if (type == typeof(DiscreteSchedule)) return new DiscreteSchedule([0.1, 0.2, 0.3]);
        if (type == typeof(MonotoneSchedule)) return new MonotoneSchedule(9, -4, 0.7, [0.5, 2], [3, 20], [0.1, 0.6]);
        if (type == typeof(ShiftedSchedule)) return new ShiftedSchedule(new RectifiedFlowSchedule(), 3);
        if (type == typeof(InterpolantSchedule)) return new InterpolantSchedule(t => 1 - t, t => t);
        if (type == typeof(LearnedSchedule)) return new LearnedSchedule();
        if (type == typeof(Quantization)) return Quantization.Bytes;
        if (type == typeof(Coupling)) return Coupling.Independent;
        if (type == typeof(TransportCoupling)) return new OptimalTransportCoupling();
        if (type == typeof(FlowDiffusion)) return FlowDiffusion.Constant();
        if (type == typeof(RePaintSampler)) return new RePaintSampler(new DdimSampler(), zeros(2, 3, 8, 8), ones([2, 1, 8, 8], ScalarType.Bool));
        if (type == typeof(DenoiserDecorator)) return new ClampedDenoiser(new GaussianDenoiser(Schedule));
        if (type == typeof(NoisePrior)) return NoisePrior.StandardNormal;
        if (type == typeof(EntropicPlan)) return EntropicPlan.Solve(new[,] { { 0.0, 1 }, { 1, 0 } }, 0.1);
        if (type == typeof(DataTransform)) return new RandomHorizontalFlip();
        if (type == typeof(LearningRateSchedule)) return LearningRateSchedule.Cosine();
        if (type == typeof(GuidanceInterval)) return new GuidanceInterval(new GaussianDenoiser(Schedule), new GaussianDenoiser(Schedule), 0.1, 1);
        if (type == typeof(LangevinCorrector)) return LangevinCorrector.SignalToNoise();
        if (type == typeof(RandomStream)) return new RandomStream(1, 2);
        if (type == typeof(MatrixOperator)) return new MatrixOperator(new[,] { { 1.0, 0 }, { 0, 1 } }, 2);
        if (type == typeof(MaskOperator)) return new MaskOperator(ones([8, 8], ScalarType.Bool));
        if (type == typeof(GreyscaleOperator) || type == typeof(UniformOperator)) return GreyscaleOperator.Luminance;
        if (type == typeof(PlaneChart)) return new PlaneChart(-1, 1, -1, 1);
        if (type == typeof(Batch)) return new Batch(zeros(2, 3, 8, 8), zeros(2, int64));
        if (type == typeof(Subset)) return new Subset(new ShapesDataSet(0, 8, 100), [1, 2]);
        return type.IsEnum ? Enum.GetValues(type).GetValue(0) : null;
    }

    private SafetensorsFile Weights()
    {
        var path = Path.Combine(folder, $"{Guid.NewGuid():N}.safetensors");
        SafetensorsFile.Save(path, [("x", zeros(2))]);
        return SafetensorsFile.Open(path);
    }
}

internal static class Discarding
{
    /// <summary>Ends what a call returned.</summary>
    public static void Discard(this object? result) => (result as IDisposable)?.Dispose();
}
